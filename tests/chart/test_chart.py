"""The chart: what helm and Kubernetes' own schemas say, what must hold in every rendering, and what must be refused."""

import pathlib
import re
import subprocess
import tempfile
import tomllib
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/chancery"
VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
BAD = sorted((ROOT / "tests/chart/bad").glob("*.yaml"))
# Oldest supported, a middle one, newest known.
CLUSTERS = ["1.27", "1.31", "1.34"]


def helm(*arguments):
    return subprocess.run(["helm", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def render(values, cluster=CLUSTERS[-1], *more):
    done = helm("template", "sts", CHART, "--namespace", "identity", "--values", values, "--kube-version", cluster + ".0", *more)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout


def objects(text):
    return [document for document in yaml.safe_load_all(text) if document]


def only(found, kind):
    of_kind = [each for each in found if each["kind"] == kind]
    if len(of_kind) != 1:
        raise AssertionError(f"{len(of_kind)} of {kind}")
    return of_kind[0]


class Tools(unittest.TestCase):
    def test_there_are_values_to_test(self):
        self.assertGreaterEqual({path.name for path in VALUES}, {"minimal-values.yaml", "full-values.yaml"})
        self.assertGreater(len(BAD), 10)

    def test_lint_has_nothing_to_say(self):
        for values in VALUES:
            with self.subTest(values.name):
                done = helm("lint", "--strict", CHART, "--values", values)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_supported_cluster_knows_every_field(self):
        for values in VALUES:
            for cluster in CLUSTERS:
                with self.subTest(f"{values.name} on {cluster}"), tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                    file.write(render(values, cluster))
                    file.flush()
                    done = subprocess.run(["kubernetes-validate", "--strict", "-k", cluster, file.name],
                                          capture_output=True, text=True, timeout=60)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_older_clusters_are_refused(self):
        self.assertIn("1.27", helm("template", "sts", CHART, "--values", VALUES[0], "--kube-version", "1.26.0").stderr)

    def test_versions_agree(self):
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())
        self.assertEqual(chart["appVersion"], cargo["package"]["version"])

    def test_the_image_is_built_for_what_the_chart_runs(self):
        dockerfile = (ROOT / "Dockerfile").read_text()
        pod = only(objects(render(VALUES[0])), "Deployment")["spec"]["template"]["spec"]
        self.assertIn(f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}", dockerfile)


class Refusals(unittest.TestCase):
    def test_bad_values_fail_and_are_named(self):
        for values in BAD:
            with self.subTest(values.name):
                expected = values.read_text().splitlines()[0].removeprefix("# ")
                done = helm("template", "sts", CHART, "--values", CHART / "ci/minimal-values.yaml", "--values", values)
                self.assertNotEqual(done.returncode, 0, "was rendered")
                self.assertIn(expected, done.stderr)

    def test_nothing_is_installed_without_values(self):
        done = helm("template", "sts", CHART)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("config.service.federation_service_name", done.stderr)


class Invariants(unittest.TestCase):
    def each(self):
        for values in VALUES:
            found = objects(render(values))
            with self.subTest(values.name):
                yield values, found, only(found, "Deployment")["spec"]["template"]["spec"]

    def test_the_pod_meets_the_restricted_standard(self):
        for _, _, pod in self.each():
            context = pod["securityContext"]
            self.assertIs(context["runAsNonRoot"], True)
            self.assertGreater(context["runAsUser"], 0)
            self.assertGreater(context["fsGroup"], 0)
            self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertIs(pod["automountServiceAccountToken"], False)
            for forbidden in ("hostNetwork", "hostPID", "hostIPC", "initContainers"):
                self.assertNotIn(forbidden, pod)
            for container in pod["containers"]:
                self.assertEqual(container["securityContext"], {
                    "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}})
                self.assertTrue(all(port["containerPort"] >= 1024 and "hostPort" not in port for port in container["ports"]))
                self.assertIn("memory", container["resources"]["limits"])
                self.assertNotIn("cpu", container["resources"]["limits"])
            for volume in pod["volumes"]:
                self.assertNotIn("hostPath", volume)

    def test_probes_are_on_the_management_port_and_about_this_node(self):
        for _, found, pod in self.each():
            container = pod["containers"][0]
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            for probe, page in (("startupProbe", "ready"), ("readinessProbe", "ready"), ("livenessProbe", "live")):
                self.assertEqual(container[probe]["httpGet"], {"path": f"/healthz/{page}", "port": "management"})
            config = self.config(found)
            # The kubelet comes from outside the pod.
            self.assertEqual(config["server"]["management"], [f"0.0.0.0:{ports['management']}"])
            service = only(found, "Service")
            self.assertNotIn("management", [port["targetPort"] for port in service["spec"]["ports"]])
            for port in service["spec"]["ports"]:
                self.assertIn(port["targetPort"], ports)
            self.assertEqual({port["port"] for port in service["spec"]["ports"]}, {80, 443, 49443})

    def test_what_the_server_reads_is_mounted_where_it_looks(self):
        for _, found, pod in self.each():
            container = pod["containers"][0]
            mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
            volumes = {volume["name"]: volume for volume in pod["volumes"]}
            for mount in mounts.values():
                # A subPath stays as it was when the pod started.
                self.assertNotIn("subPath", mount)
                self.assertIn(mount["name"], volumes)
            config = self.config(found)
            under = lambda path: next(mounts[m] for m in sorted(mounts, key=len, reverse=True) if path.startswith(m + "/") or path == m)
            for path in (config["kerberos"]["keytab"], config["server"]["tls"]["key_file"],
                         config["keys"]["key_encryption_key_file"]):
                volume = volumes[under(path)["name"]]
                self.assertEqual(volume["secret"]["defaultMode"], 0o440, path)
                self.assertIs(under(path)["readOnly"], True)
            self.assertIn("configMap", volumes[under(container["args"][-1])["name"]])
            self.assertIn("configMap", volumes[mounts["/etc/chancery/trusts"]["name"]])
            for path, kind in ((config["keys"]["directory"], "persistentVolumeClaim"), (config["service"]["state_directory"], "emptyDir")):
                self.assertIn(kind, volumes[under(path)["name"]])
                self.assertNotIn("readOnly", under(path))
            # A store that is full has 2,000,000 records of 64 octets in its journal, which is written anew beside up to twice that.
            size = volumes[under(config["service"]["state_directory"])["name"]]["emptyDir"]["sizeLimit"]
            self.assertGreaterEqual(int(size[:-2]) * {"Mi": 1 << 20, "Gi": 1 << 30}[size[-2:]], 3 * 2_000_000 * 64 + (1 << 20))
            self.assertIs(config["keys"]["group_access"], True)

    def test_nothing_secret_is_in_configuration_arguments_or_environment(self):
        secret = re.compile(r"BEGIN [A-Z ]*PRIVATE KEY|password\s*=|secret\s*=\s*\"", re.IGNORECASE)
        for _, found, pod in self.each():
            self.assertNotIn("Secret", [each["kind"] for each in found])
            for each in found:
                if each["kind"] == "ConfigMap":
                    self.assertIsNone(secret.search("\n".join(each.get("data", {}).values())))
            container = pod["containers"][0]
            self.assertIsNone(secret.search(" ".join(container["command"] + container["args"])))
            for variable in container.get("env", []):
                self.assertNotIn("valueFrom", variable)

    def test_counts_stay_integers(self):
        config = self.config(objects(render(CHART / "ci/full-values.yaml")))
        self.assertEqual(config["server"]["limits"], {"header_bytes": 65536, "workers": 2})
        self.assertIsInstance(config["server"]["limits"]["header_bytes"], int)

    def test_a_new_trust_makes_no_new_pods_and_a_new_listener_does(self):
        full = CHART / "ci/full-values.yaml"
        template = lambda *more: only(objects(render(full, CLUSTERS[-1], *more)), "Deployment")["spec"]["template"]
        before = template()
        self.assertEqual(before, template("--set", "trusts.another\\.toml=x"))
        self.assertEqual(before, template("--set", "config.entra.enabled=false"))
        for setting in ("server.limits.workers=4", "server.shutdown_grace_seconds=5", "server.log.level=debug", "audit.on_failure=stop_issuance"):
            self.assertNotEqual(before, template("--set", "config." + setting), setting)
        self.assertEqual(before, template("--set", "config.audit.claims=none"))

    def test_updates_keep_every_pod_until_its_successor_is_ready(self):
        for values, found, pod in self.each():
            spec = only(found, "Deployment")["spec"]
            self.assertEqual(spec["strategy"]["rollingUpdate"], {"maxUnavailable": 0, "maxSurge": 1})
            grace = self.config(found)["server"].get("shutdown_grace_seconds", 30)
            stop = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
            self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], stop + grace)
            if spec["replicas"] > 1:
                self.assertEqual(only(found, "PodDisruptionBudget")["spec"]["selector"], spec["selector"])

    @staticmethod
    def config(found):
        data = next(each["data"]["chancery.toml"] for each in found
                    if each["kind"] == "ConfigMap" and "chancery.toml" in each.get("data", {}))
        return tomllib.loads(data)


if __name__ == "__main__":
    unittest.main()
