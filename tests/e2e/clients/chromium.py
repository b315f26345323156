"""Drives headless Chromium over its debugging pipe through scenes, with a relying party that shows what it got.

Input: {"service", "scenes": [{"name", "path", "steps", …}], "relying_party": {"addresses", "certificate", "key"} or null, "profile",
"certificate": {"file", "password", "pattern"} or null}.
Output: for each scene, the last page: its address, title, text, what the relying party received, and what axe-core found wrong
with the pages on which the scene has a step ["axe"].
"""

import base64
import html
import http.server
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

DEADLINE = 30

# The rules of WCAG 2.2 AA. That about the size of what is pressed is off in axe-core unless it is asked for.
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations", "incomplete"],
}


class RelyingParty(http.server.BaseHTTPRequestHandler):
    """Takes forms by POST and shows the names of their fields; counts clean-ups. One whose path is held answers when it is let go."""

    received = []
    cleaned = []
    held = {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        fields = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        RelyingParty.received.append({"path": self.path, "origin": self.headers.get("Origin"), "fields": fields})
        self.answer("<title>Relying party</title><p id=done>" + html.escape(" ".join(fields)) + "</p>")

    def do_GET(self):
        if self.path in RelyingParty.held:
            RelyingParty.held[self.path].wait(DEADLINE)
        RelyingParty.cleaned.append(self.path)
        self.answer("<title>Relying party</title><p>get</p>")

    def answer(self, text):
        octets = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_):
        pass


def serve(settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings["certificate"], settings["key"])
    for address in settings["addresses"]:
        server = http.server.ThreadingHTTPServer((address, 443), RelyingParty)
        # The handshake is made by the thread of the connection: a browser opens some in advance, on which it says nothing for long.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def with_certificate(directory, certificate):
    """A HOME whose NSS database holds the certificate, and a command in front of the browser that shows it a policy by which it
    presents the certificate without asking. The machine's own policies are not touched."""
    home, settings = directory / "home", directory / "chromium"
    shutil.copytree(pathlib.Path(os.environ["LAB_HOME"], ".pki"), home / ".pki")
    subprocess.run(["pk12util", "-i", certificate["file"], "-d", f"sql:{home}/.pki/nssdb", "-W", certificate["password"], "-K", ""],
                   check=True, stdout=subprocess.DEVNULL)
    policies = settings / "policies" / "managed"
    policies.mkdir(parents=True)
    rule = json.dumps({"pattern": certificate["pattern"], "filter": {}})
    (policies / "certificate.json").write_text(json.dumps({"AutoSelectCertificateForUrls": [rule]}))
    bind = 'mount --bind "$0" /etc/chromium && exec "$@"'
    return home, ["unshare", "--mount", "--propagation", "private", "--", "bash", "-c", bind, str(settings)]


class Chromium:
    """One browser with one tab."""

    def __init__(self, profile, arguments, certificate=None):
        profile = pathlib.Path(profile)
        profile.mkdir(parents=True)
        home, before = os.environ["LAB_HOME"], []
        if certificate:
            home, before = with_certificate(profile / "certificate", certificate)
        # Without this a fresh profile sends no ticket on its first navigation.
        (profile / "Local State").write_text('{"net":{"received_http_auth_negotiate_headers":true}}')
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        def pipes():
            os.dup2(to_browser, 3)
            os.dup2(from_browser, 4)

        environment = {**os.environ, "HOME": str(home)}
        domain = ".".join(os.environ["LAB_HOST"].split(".")[1:])
        self.process = subprocess.Popen(
            [*before, "chromium", "--headless=new", "--no-sandbox", "--no-proxy-server", "--disable-gpu", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-breakpad", "--disable-crash-reporter",
             f"--user-data-dir={profile}", f"--auth-server-allowlist=*.{domain}", "--remote-debugging-pipe", *arguments,
             "about:blank"],
            preexec_fn=pipes, pass_fds=(3, 4), env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.buffer, self.session = 0, b"", None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
        raise TimeoutError(method)

    def read(self):
        while b"\0" not in self.buffer:
            octets = os.read(self.read_end, 1 << 16)
            if not octets:
                raise RuntimeError("Chromium ended")
            self.buffer += octets
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def evaluate(self, expression):
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def axe(self):
        """What axe-core finds wrong with the page, and what of contrast it cannot tell. It runs in a world of its own, where the
        page's policy does not reach."""
        package = importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0]
        source = pathlib.Path(package, "axe.min.js").read_text()
        frame = self.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = self.call("Page.createIsolatedWorld", frameId=frame, worldName="axe")["executionContextId"]

        def run(expression):
            answer = self.call("Runtime.evaluate", expression=expression, contextId=world, returnByValue=True, awaitPromise=True)
            if "exceptionDetails" in answer:
                raise RuntimeError(f"axe-core: {answer['exceptionDetails']}")
            return answer["result"].get("value")

        run(source + ";0")
        results = json.loads(run(f"axe.run(document, {json.dumps(AXE)}).then(JSON.stringify)"))
        if not results["passes"]:
            raise RuntimeError("axe-core looked at nothing")
        return [
            f"{kind} {rule['id']}: {node['html'][:200]}: {node.get('failureSummary')}"
            for kind in ("violations", "incomplete") for rule in results[kind] for node in rule["nodes"]
        ]

    def wait(self, expression, what):
        """Until an expression of the page is true; a page on its way has none."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            try:
                if self.evaluate(expression):
                    return
            except RuntimeError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"{what}: {self.evaluate('location.href + document.documentElement.outerHTML')}")

    def click(self, selector):
        self.wait(f"!!document.querySelector({json.dumps(selector)})", selector)
        box = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def key(self, key, code, text=None):
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **extra)

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)


def play(browser, service, scene):
    RelyingParty.received.clear()
    RelyingParty.cleaned.clear()
    looked_at, wrong = 0, []
    for step in scene["steps"]:
        action, value = step[0], step[1] if len(step) > 1 else None
        if action == "open":
            browser.call("Page.navigate", url=service + value if value.startswith("/") else value)
        elif action == "wait":
            browser.wait(f"document.readyState === 'complete' && !!document.querySelector({json.dumps(value)})", value)
        elif action == "see":
            # On a page that may still be loading.
            browser.wait(f"!!document.querySelector({json.dumps(value)})", value)
        elif action == "title":
            browser.wait(f"document.title.includes({json.dumps(value)})", value)
        elif action == "type":
            # Into the field that has the focus, as somebody at a keyboard does; a page gives it a moment after it is there.
            browser.wait("document.activeElement.matches('input, textarea')", "a field with the focus")
            browser.call("Input.insertText", text=value)
        elif action == "tab":
            browser.key("Tab", 9)
        elif action == "focus":
            # By the keyboard: Tab until the focus is there.
            for _ in range(100):
                if browser.evaluate(f"document.activeElement.matches({json.dumps(value)})"):
                    break
                browser.key("Tab", 9)
            else:
                raise RuntimeError(f"the keyboard does not reach {value}")
        elif action == "enter":
            browser.key("Enter", 13, "\r")
        elif action == "click":
            browser.click(value)
        elif action == "run":
            # What a program that drives a browser does.
            browser.evaluate(value)
        elif action == "script":
            browser.call("Emulation.setScriptExecutionDisabled", value=not value)
        elif action == "size":
            browser.call("Emulation.setDeviceMetricsOverride", width=value[0], height=value[1], deviceScaleFactor=1,
                         mobile=value[0] < 500)
        elif action == "dark":
            browser.call("Emulation.setEmulatedMedia",
                         features=[{"name": "prefers-color-scheme", "value": "dark" if value else "light"}])
        elif action == "language":
            browser.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": value})
        elif action == "cookies":
            browser.call("Network.clearBrowserCookies")
        elif action == "axe":
            looked_at += 1
            wrong += browser.axe()
        elif action == "hold":
            RelyingParty.held[value] = threading.Event()
        elif action == "release":
            RelyingParty.held.pop(value).set()
        elif action == "picture":
            picture = browser.call("Page.captureScreenshot", format="png")["data"]
            pathlib.Path(value).write_bytes(base64.b64decode(picture))
        else:
            raise ValueError(action)
    state = browser.evaluate(
        "({url: location.href, title: document.title, text: document.body.innerText, html: document.documentElement.outerHTML,"
        " focus: document.activeElement.id, width: document.documentElement.scrollWidth, window: innerWidth})")
    return {**state, "axe": {"pages": looked_at, "wrong": wrong}, "received": list(RelyingParty.received), "cleaned": list(RelyingParty.cleaned)}


def main():
    request = json.load(sys.stdin)
    if request.get("relying_party"):
        serve(request["relying_party"])
    browser = Chromium(request["profile"], request.get("arguments", []), request.get("certificate"))
    try:
        answers = {scene["name"]: play(browser, request["service"], scene) for scene in request["scenes"]}
    finally:
        browser.close()
    json.dump(answers, sys.stdout)


main()
