"""A model behind a web service, in any language: a function is enough.

The service here loses every third request. The function waits its turn and asks again; `cache=` keeps answers, so that
the second study costs next to nothing. You see the page of a model of which only answers are known.

Run: python examples/service.py
"""

import json
import tempfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from time import sleep
from urllib.request import urlopen

import numpy as np

import xaikit


class Service(BaseHTTPRequestHandler):
    asked = 0

    def do_POST(self) -> None:
        Service.asked += 1
        self.send_response(503 if Service.asked % 3 == 0 else 200)
        self.end_headers()
        x = np.array(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.wfile.write(json.dumps((x[:, 0] - x[:, 1] * x[:, 2]).tolist()).encode())

    def log_message(self, *_: object) -> None: ...


def main(n: int = 16, out: str = "reports") -> Path:
    server = HTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"

    def price(rows: np.ndarray) -> list[float]:
        for pause in (0.001, 0.002, 0.004, 0.008):
            sleep(pause)
            with suppress(OSError):
                return json.load(urlopen(url, json.dumps(rows.tolist()).encode(), timeout=10))
        raise ConnectionError("no answer, four times")

    rows = np.random.default_rng(0).normal(size=(60, 4))
    facts = {"names": ["price"], "background": rows, "id": "service", "cache": tempfile.mkdtemp()}
    for Service.asked in (0, 0):  # requests of the first study, and of the second
        model = xaikit.wrap(price, modality="table", **facts)
        run = xaikit.study(model, rows[:n], "shap,occlusion,lime,random,magnitude")
        print(f"{Service.asked} requests")
    server.shutdown()
    print(run.findings()[0])
    return xaikit.write_report(run, Path(out) / "service.html")


if __name__ == "__main__":
    print("page:", main())
