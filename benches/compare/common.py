"""What the comparisons share: servers in temporary folders, data, load, and tables in docs/BENCHMARKS.md."""

import base64
import hashlib
import hmac
import http.client
import io
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release"
SECRET = "a secret of the comparisons, shared by nobody else"


# What `timeout` sends: processes and folders are cleaned up on the way out.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def build():
    subprocess.run(["cargo", "build", "--release", "--quiet", "--bin", "plugyard", "--examples"], cwd=ROOT, check=True)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def text_of(size, seed=1):
    """Something like a script of exactly `size` bytes; it shrinks about as much as a minified one."""
    words, length, state = [], 0, seed
    while length < size:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        words.append(f"function f{state >> 52:x}(a,b){{return a.{state >> 40 & 0xfff:x}+b[{state >> 30 & 0x3ff}]}}\n")
        length += len(words[-1])
    return "".join(words).encode()[:size]


class Work:
    """A temporary folder and the processes in it; everything ends with the block."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="plugyard-bench-"))
        self.folder.chmod(0o755)
        self.processes = []
        return self

    def __exit__(self, *_):
        for process in self.processes:
            try:
                stop(process)
            except OSError as error:
                print(error, file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, command, **options):
        process = subprocess.Popen(command, **options)
        self.processes.append(process)
        return process

    def plugyard(self, name="plugyard", **settings):
        return Plugyard(self, settings, name)

    def bare(self, folder, answer=None):
        """The bare handler; with the other headers of this answer, too."""
        port = free_port()
        command = [TARGET / "examples/bare-handler", f"127.0.0.1:{port}", folder]
        if answer:
            own = {"content-length", "content-type", "date", "content-encoding"}
            headers = self.folder / f"headers-{port}"
            headers.write_text("".join(f"{name}: {value}\n" for name, value in answer.getheaders() if name.lower() not in own))
            command.append(headers)
        return wait_for(self.start(command), port)

    def nginx(self, folder):
        """Serves the folder as fast as it can: two workers, kept files, no log."""
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or sys.exit("nginx is not installed")
        port, at = free_port(), self.folder / "nginx"
        at.mkdir()
        temporary = " ".join(f"{kind}_temp_path {at}/{kind};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        user = "user root;" if os.getuid() == 0 else ""
        (at / "conf").write_text(
            f"""daemon off; worker_processes 2; pid {at}/pid; error_log {at}/log; {user}
            events {{ worker_connections 2048; }}
            http {{ access_log off; {temporary} types {{ text/javascript js; }} sendfile on; tcp_nopush on; tcp_nodelay on;
              keepalive_requests 1000000000; open_file_cache max=10000 inactive=60s; open_file_cache_valid 60s;
              server {{ listen 127.0.0.1:{port}; root {folder}; gzip_static on; }} }}"""
        )
        process = self.start([program, "-p", at, "-c", at / "conf", "-e", at / "log"], stderr=subprocess.DEVNULL)
        return wait_for(process, port)


def wait_for(process, port):
    for _ in range(500):
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} has ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return port
        except OSError:
            time.sleep(0.02)
    sys.exit(f"{process.args[0]} does not listen")


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Plugyard:
    def __init__(self, work, settings, name="plugyard"):
        self.work = work
        self.home = work.folder / name
        self.home.mkdir(exist_ok=True)
        values = {"admin_password": "correct horse battery", "jwt_secret": SECRET, "log_level": "warn", **settings}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PLUGYARD_")}
        self.environment = clean | {f"PLUGYARD_{name.upper()}": str(value) for name, value in values.items()}
        self.process = self.port = None
        self.start()

    def start(self):
        command = [TARGET / "plugyard", "serve", "--listen", "127.0.0.1:0"]
        with open(self.home / "log", "ab") as log:
            self.process = self.work.start(command, cwd=self.home, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True)
        patience = threading.Timer(120, self.process.kill)
        patience.start()
        for line in self.process.stdout:
            if found := re.match(r"listening on http://127\.0\.0\.1:(\d+)", line):
                patience.cancel()
                self.port = int(found[1])
                return
        sys.exit(f"plugyard did not start: {(self.home / 'log').read_text()}")

    def stop(self):
        stop(self.process)

    def cli(self, *arguments):
        done = subprocess.run([TARGET / "plugyard", *arguments], cwd=self.home, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"plugyard {arguments}: {done.stderr}")
        return done.stdout

    def admin(self):
        if not hasattr(self, "_admin"):
            self._admin = self.cli("token", "create", "bench", "--user", "admin", "--scope", "admin").strip()
        return self._admin

    def request(self, method, path, token=None, body=None, headers=(), expect=(200, 201, 204)):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = dict(headers) | ({"Authorization": f"Bearer {token}"} if token else {})
        if isinstance(body, (dict, list)):
            body, headers = json.dumps(body), headers | {"Content-Type": "application/json"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status not in expect:
            sys.exit(f"{method} {path}: {answer.status} {content[:300]!r}")
        return answer, content

    def publish(self, slug, version="1.0.0", files=None, modules=0, visibility="public"):
        manifest = {"id": slug, "name": slug, "version": version, "bundlemethod": "esm", "bundlelocation": "dist/index.js"}
        manifest["modules"] = [{"id": f"m{n}", "name": f"m{n}"} for n in range(modules)]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("plugin.json", json.dumps(manifest))
            for name, content in ({"dist/index.js": b"export default 1;\n"} | (files or {})).items():
                archive.writestr(name, content)
        self.request("POST", f"/api/v1/releases?visibility={visibility}", self.admin(), packed.getvalue())

    def fill(self, users, plugins, releases):
        """Users with plugins each, written straight into the stopped server's data. Returns the keys and the users' ids.
        Releases are `P0`, `P1`, ... at 1.0.0."""
        assert plugins <= releases, "a user has a plugin once"
        self.stop()
        now = int(time.time() * 1000)
        record = {"installation_type": "production", "source_url": None, "installed_by": "bench", "installed_at": "2026-01-01T00:00:00Z"}
        database = sqlite3.connect(self.home / "plugyard.db")
        ids, keys = [], []
        for number in range(users):
            user = hashlib.md5(f"user {number}".encode()).hexdigest()
            ids.append(user)
            database.execute(
                "INSERT INTO users (id, username, username_folded, role, active, verified, created_at, updated_at) VALUES (?, ?, ?, 'user', 1, 0, ?, ?)",
                (user, f"user{number}", f"user{number}", now, now),
            )
            chosen = [f"P{(number * 7 + n) % releases}" for n in range(plugins)]
            for slug in chosen:
                key = hashlib.md5(f"key {number} {slug}".encode()).hexdigest()
                keys.append(key)
                database.execute(
                    "INSERT INTO plugins (id, user_id, plugin_slug, version, enabled, config, access_key, created_at, updated_at, enabled_at, revision)"
                    " VALUES (?, ?, ?, '1.0.0', 1, '{}', ?, ?, ?, ?, 1)",
                    (f"{user}_{slug}", user, slug, key, now, now, now),
                )
                database.execute(
                    "INSERT INTO plugin_versions (plugin_id, sequence, version, change, installed_by, installed_at) VALUES (?, 1, '1.0.0', 'install', 'bench', ?)",
                    (f"{user}_{slug}", now),
                )
            folder = self.home / "plugins/users" / f"user_{user}"
            folder.mkdir(mode=0o700, parents=True)
            (folder / "installed_plugins.json").write_text(json.dumps({slug: {"installation_metadata": record} for slug in chosen}))
        database.commit()
        database.close()
        return ids, keys

    def status(self, name):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise KeyError(name)

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def host_token(user, seconds=86400):
    """A token as a host application that shares the secret makes them."""
    part = lambda value: base64.urlsafe_b64encode(value).rstrip(b"=")
    now = int(time.time())
    body = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps({"sub": user, "iat": now, "exp": now + seconds}).encode())
    return (body + b"." + part(hmac.new(SECRET.encode(), body, hashlib.sha256).digest())).decode()


def wrk(port, path, connections, seconds, headers=(), script=None):
    """Requests per second and the 99th percentile in ms; any wrong answer ends the run."""
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for name, value in headers:
        command += ["-H", f"{name}: {value}"]
    if script:
        command += ["-s", str(script)]
    said = subprocess.run(command + [f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"wrong answers from {path}:\n{said}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    return rate, float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def lua(folder, name, requests):
    """A wrk script that sends one of these requests at random each time: path, token (or none), and what headers follow."""
    lines = [f"{path} {token or '-'} {more}" for path, token, more in requests]
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    script = folder / f"{name}.lua"
    script.write_text(f"""
local all = {{}}
for line in io.lines("{folder}/{name}.txt") do
  local path, token, more = line:match("^(%S+) (%S+) (.*)$")
  local head = token ~= "-" and ("Authorization: Bearer " .. token .. "\\r\\n") or ""
  if more ~= "" then head = head .. more .. "\\r\\n" end
  all[#all + 1] = "GET " .. path .. " HTTP/1.1\\r\\nHost: bench\\r\\n" .. head .. "\\r\\n"
end
function init(args) math.randomseed(tonumber(tostring({{}}):match("0x(%x+)"), 16) % 2^31) end
function request() return all[math.random(#all)] end
""")
    return script


def median(values):
    return statistics.median(values)


def postgres_program(name):
    """Debian keeps them beside the PATH."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return found[-1] if found else shutil.which(name) or sys.exit(f"PostgreSQL's {name} is not installed")


def versions(*programs):
    found = [f"{platform.system()} {platform.release()}", f"{os.cpu_count()} cores"]
    questions = {"nginx": ["/usr/sbin/nginx", "-v"], "wrk": ["wrk", "-v"], "rustc": ["rustc", "--version"], "python": ["python3", "--version"], "redis": ["redis-server", "--version"], "postgres": None, "kinto": ["kinto", "version"]}
    for name in programs:
        asked = subprocess.run(questions[name] or [postgres_program(name), "--version"], capture_output=True, text=True)
        said = (asked.stdout + asked.stderr).splitlines()[0].replace("nginx version: ", "").split(" Copyright")[0].split(" sha=")[0].strip()
        found.append(said if said[0].isalpha() else f"{name} {said}")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return ", ".join(found + [f"plugyard at {commit}"])


def table(head, rows):
    lines = [" | ".join(head), "|".join(["---"] * len(head))] + [" | ".join(map(str, row)) for row in rows]
    return "\n".join(f"| {line} |" if "---" not in line else f"|{line}|" for line in lines)


def write_section(name, text):
    """Replaces what stands between this name's two marks in docs/BENCHMARKS.md, and prints it."""
    path = ROOT / "docs/BENCHMARKS.md"
    document = path.read_text()
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    before, rest = document.split(begin)
    path.write_text(before + begin + text.strip() + "\n" + end + rest.split(end)[1])
    print(text)
