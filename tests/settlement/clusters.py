"""Engines elsewhere, started on this machine for the slow tests: Sail, and a Spark cluster of a master, two workers and a Spark Connect server."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"
WAIT_S = 180


@contextmanager
def start_sail(folder: Path) -> Iterator[str]:
    """Sail in its cluster mode: driver and workers speak to each other over the network. Yields its Spark Connect address."""
    port = _free_port()
    command = [str(Path(sys.executable).parent / "sail"), "spark", "server", "--ip", LOOPBACK, "--port", str(port)]
    with _process(command, folder / "sail.log", {"SAIL_MODE": "local-cluster", "SAIL_CLUSTER__WORKER_INITIAL_COUNT": "2"}):
        _wait_for(port, folder / "sail.log")
        yield f"sc://{LOOPBACK}:{port}"


@contextmanager
def start_spark(folder: Path) -> Iterator[str]:
    """Spark as operators run it: five processes of Java's. Yields its Spark Connect address."""
    import pyspark

    home = Path(pyspark.__file__).parent
    master, connect = _free_port(), _free_port()
    environment = {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": LOOPBACK, "PYSPARK_PYTHON": sys.executable}
    of_class = [str(home / "bin" / "spark-class")]
    url = f"spark://{LOOPBACK}:{master}"
    with ExitStack() as running:
        where = ["--host", LOOPBACK, "--port", str(master), "--webui-port", "0"]
        running.enter_context(_process([*of_class, "org.apache.spark.deploy.master.Master", *where], folder / "master.log", environment))
        _wait_for(master, folder / "master.log")
        for name in ("one", "two"):
            size = ["--host", LOOPBACK, "--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir", str(folder / name), url]
            running.enter_context(
                _process([*of_class, "org.apache.spark.deploy.worker.Worker", *size], folder / f"{name}.log", environment)
            )
        settings = {
            "spark.connect.grpc.binding.address": LOOPBACK,
            "spark.connect.grpc.binding.port": connect,
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": 3,
            "spark.sql.warehouse.dir": folder / "warehouse",
        }
        options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
        server = [str(home / "bin" / "spark-submit"), "--master", url, "--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        running.enter_context(_process([*server, *options, "spark-internal"], folder / "connect.log", environment))
        _wait_for(connect, folder / "connect.log")
        yield f"sc://{LOOPBACK}:{connect}"


@contextmanager
def _process(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as stream:
        running = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, **environment}, cwd=log.parent)
        try:
            yield
        finally:
            running.terminate()
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, log: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            socket.create_connection((LOOPBACK, port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing answers on port {port}:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.5)
