"""Processes on this machine: started on a core, watched, asked over HTTP, and stopped by their number."""

import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
TICKS = os.sysconf("SC_CLK_TCK")
# A server that takes hardly any time for so many seconds waits for requests.
IDLE = 3.0


class Failed(Exception):
    """What went wrong, in a line."""


@contextmanager
def step(what):
    began = time.monotonic()
    print(f"{what} …", file=sys.stderr, flush=True)
    try:
        yield
    except Exception as fault:
        raise Failed(f"{what}: {fault if isinstance(fault, (Failed, OSError)) else repr(fault)}") from fault
    print(f"    {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def run(command, **options):
    """The standard output of a command that must succeed."""
    done = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    if done.returncode != 0:
        raise Failed(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


class Server:
    """A server on its own port, and on the servers' core unless others are given, until `stop`."""

    running = []

    def __init__(self, name, command, folder, cores=(SERVER_CORE,), **environment):
        """`command` takes the port, and gives the words of the command line."""
        self.name, self.port, self.aside = name, free_port(), None
        self.log = Path(folder) / f"{name}-{self.port}.log"
        words = ["taskset", "-c", ",".join(map(str, cores)), *command(self.port)]
        self.started = time.monotonic()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(word) for word in words], stdout=log, stderr=log, env={**os.environ, **environment}
            )
        Server.running.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self in Server.running:
            Server.running.remove(self)

    def wait_for(self, path, wanted=lambda status, body: status == 200, patience=30.0):
        """Asks every 2 ms at first, then after each hundredth of the time, for questions keep the server from its work.
        The seconds from the start to the wanted answer."""
        while (elapsed := time.monotonic() - self.started) < patience:
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended: {self.log.read_text().strip()[-500:]}")
            try:
                status, _, body = self.get(path)
                if wanted(status, body):
                    return time.monotonic() - self.started
            except OSError:
                pass
            time.sleep(max(0.002, elapsed / 100))
        raise Failed(f"{self.name} does not answer {path} as it should within {patience:.0f} s")

    def wait_until_idle(self, patience=7_200.0):
        """Until it has nothing more to do by itself; the seconds since the start."""
        while time.monotonic() - self.started < patience:
            before = self.cpu_seconds()
            time.sleep(IDLE)
            if self.cpu_seconds() - before < 0.02 * IDLE:
                return time.monotonic() - self.started - IDLE
        raise Failed(f"{self.name} is still busy after {patience:.0f} s")

    def set_aside(self, name):
        """Its thread of that name has the load's core from now on, and its time is not counted."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        self.aside = next(task for task in tasks if (task / "comm").read_text().strip() == name)
        os.sched_setaffinity(int(self.aside.name), {LOAD_CORE})

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def json(self, path):
        return json.loads(self.get(path)[2])

    def cpu_seconds(self):
        """Of the process and its children, since they were started."""
        processes = [self.process.pid, *children(self.process.pid)]
        spent = sum(cpu_seconds(Path(f"/proc/{process}")) for process in processes)
        return spent - cpu_seconds(self.aside) if self.aside else spent

    def memory(self):
        """Resident megabytes: of its own, and mapped from files that the system may drop."""
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()[1:]
        kilobytes = {line.split()[0]: int(line.split()[1]) for line in lines}
        own = kilobytes["Anonymous:"] / 1024
        return {"own_mb": own, "mapped_mb": kilobytes["Rss:"] / 1024 - own}


def cpu_seconds(process):
    """Of a process or a thread, by its folder in /proc."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def kiosque(binary, store, cores=(SERVER_CORE,), **settings):
    """`kiosque serve` as it comes, with one worker for the one core, and without a log line for each request."""
    settings = {"KIOSQUE_WORKERS": "1", "RUST_LOG": "info,kiosque::access=off", **settings}
    return Server(
        "kiosque",
        lambda port: [binary, "serve", "--listen", f"127.0.0.1:{port}"],
        store.parent,
        cores,
        DATABASE_URL=f"sqlite://{store}",
        **settings,
    )


NGINX = """daemon off; worker_processes 1; pid {folder}/nginx.pid; {user}
events {{}}
http {{
    types {{ application/json json; }}
    sendfile on; tcp_nopush on; access_log off;
    server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


def nginx(folder):
    """Plain, with static files out of the folder; None where it is not installed."""
    binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if binary is None:
        return None
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""

    def command(port):
        settings = folder / "nginx.conf"
        settings.write_text(NGINX.format(folder=folder, port=port, user=user))
        return [binary, "-e", folder / "nginx.log", "-p", folder, "-c", settings]

    return Server("nginx", command, folder)
