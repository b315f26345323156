"""The image: what the Dockerfile copies is enough to compile the program (there is no container engine here to ask)."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The first literal of what is included; behind `concat!` it is the beginning of the path.
INCLUDED = re.compile(r'\binclude(?:_str|_bytes|_dir)?!\(\s*(?:concat!\(\s*)?"([^"]+)"')


def copied():
    """What the build stage copies, each to the same path below its working directory."""
    build = (ROOT / "Dockerfile").read_text().split("\nRUN cargo build")[0]
    copies = re.findall(r"^COPY (?!--from)(.+) (\S+)$", build, re.MULTILINE)
    paths = set()
    for sources, to in copies:
        for source in sources.split():
            if pathlib.PurePath(to, "" if to != "./" else source) != pathlib.PurePath(source):
                raise AssertionError(f"{source} becomes {to}")
            paths.add(ROOT / source)
    return paths


def included():
    """What a program that is no test includes: each source file up to its tests, which stand last."""
    for source in sorted((ROOT / "src").rglob("*.rs")):
        text = re.split(r"#\[cfg\(test\)\]\s*mod \w+ \{", source.read_text())[0]
        for path in INCLUDED.findall(text):
            yield source.relative_to(ROOT), (source.parent / path).resolve()


class Image(unittest.TestCase):
    def test_what_the_sources_include_is_copied(self):
        places = copied()
        found = list(included())
        self.assertGreater(len(found), 20)
        for source, path in found:
            with self.subTest(f"{source}: {path.relative_to(ROOT)}"):
                self.assertTrue(path.exists())
                self.assertTrue(any(path.is_relative_to(place) for place in places))

    def test_what_is_copied_is_there_and_not_ignored(self):
        ignored = (ROOT / ".dockerignore").read_text().split()
        places = copied()
        self.assertGreaterEqual({place.name for place in places}, {"Cargo.toml", "Cargo.lock", "src"})
        for place in places:
            with self.subTest(place.name):
                self.assertTrue(place.exists())
                self.assertNotIn(str(place.relative_to(ROOT)), ignored)

    def test_a_build_script_would_be_copied(self):
        if (ROOT / "build.rs").exists():
            self.assertIn(ROOT / "build.rs", copied())


if __name__ == "__main__":
    unittest.main()
