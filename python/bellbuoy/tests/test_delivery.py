"""What a call says happened, and that it is true; against servers that are not bellbuoy."""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import time
import unittest
from contextlib import redirect_stdout
from pathlib import Path

import bellbuoy
from bellbuoy import Outcome, Settings, flush, send_event
from bellbuoy.__main__ import main
from bellbuoy.delivery import status
from bellbuoy.spool import Lane

from .harness import NOBODY, TAKEN, Case

logging.getLogger("bellbuoy").setLevel(logging.CRITICAL)


class Meaning(Case):
    def check(self, code: int, body: str, expected: str, reason: str = "") -> None:
        server = self.server(lambda *_: (code, body.encode()))
        outcome = send_event("custom", settings=self.settings(server.url))
        self.assertEqual((str(outcome), bool(outcome)), (expected, expected in ("delivered", "spooled")), outcome.reason)
        self.assertIn(reason, outcome.reason)

    def test_what_an_answer_means(self) -> None:
        self.check(200, '{"status": "success", "data": []}', "delivered")
        # A login page, a proxy, another program: whoever says 200, it is not there.
        self.check(200, "<html>please log in</html>", "spooled", "not an answer of bellbuoy")
        self.check(200, "[]", "spooled", "not an answer of bellbuoy")
        self.check(404, "404 page not found", "spooled", "404")
        self.check(405, "", "spooled")
        self.check(302, "", "spooled", "302")
        self.check(400, '{"status": "error", "problems": ["kind: missing", "fields.r2: no"]}', "refused", "kind: missing; fields.r2: no")
        self.check(404, '{"status": "error", "error": "no model x"}', "refused", "no model x")
        self.check(413, "length limit exceeded", "refused", "413")
        for code in (401, 403, 429, 500, 503):
            self.check(code, '{"status": "error", "error": "not now"}', "spooled", "not now")

    def test_no_server(self) -> None:
        outcome = send_event("custom", settings=self.settings(NOBODY))
        self.assertEqual(outcome, "spooled")
        self.assertIn("127.0.0.1:9", outcome.reason)

    def test_addresses_that_are_none(self) -> None:
        for url in ("", "nonsense", "http://", "ftp://x/", "http://[::1", "http://127.0.0.1:99999"):
            self.assertIn(send_event("custom", settings=self.settings(url, timeout=0.5)), ("spooled", "dropped"), url)

    def test_a_server_that_never_answers_costs_the_timeout_once(self) -> None:
        server = self.server(lambda *_: (time.sleep(3), (200, TAKEN))[1])
        settings = self.settings(server.url, timeout=0.3, pause=60.0)
        self.assertIn("did not answer within 0.3 s", send_event("custom", settings=settings).reason)
        second = send_event("custom", settings=settings)
        self.assertEqual((second, len(server.came)), ("spooled", 1))
        self.assertIn("a moment ago", second.reason)

    def test_no_folder_is_said(self) -> None:
        blocked = Path(__file__)
        outcome = send_event("custom", settings=self.settings(NOBODY, spool=blocked))
        self.assertEqual((outcome, bool(outcome)), ("dropped", False))
        self.assertIn("could not be spooled", outcome.reason)
        # A working bellbuoy needs no folder.
        server = self.server(lambda *_: (200, TAKEN))
        self.assertEqual(send_event("custom", settings=self.settings(server.url, spool=blocked)), "delivered")

    def test_values_that_cannot_be_encoded_do_not_break_the_caller(self) -> None:
        class Odd:
            def __str__(self) -> str:
                raise RuntimeError("no text")

        outcome = send_event("custom", {"x": Odd()}, settings=self.settings(NOBODY))
        self.assertEqual(outcome, "dropped")
        self.assertIn("no text", outcome.reason)


class Order(Case):
    def test_what_waits_goes_first_and_in_its_order(self) -> None:
        down = [True]
        server = self.server(lambda *_: (503, b"{}") if down[0] else (200, TAKEN))
        settings = self.settings(server.url)
        for n in range(5):
            self.assertEqual(send_event("custom", {"n": n}, settings=settings), "spooled")
        before = json.loads(server.came[0][1])["at"]
        down[0] = False
        server.came.clear()
        self.assertEqual(send_event("custom", {"n": 5}, settings=settings), "delivered")
        events = [event for _, body, _ in server.came for event in json.loads(body)]
        self.assertEqual([event["fields"]["n"] for event in events], [0, 1, 2, 3, 4, 5])
        self.assertEqual(events[0]["at"], before, "the time of the event, not of its delivery")
        self.assertEqual(len({event["key"] for event in events}), 6)
        self.assertEqual(status(settings)[0]["waiting"], 0)

    def test_one_bad_event_does_not_keep_the_good_ones(self) -> None:
        down = [True]

        def answer(_: str, body: bytes) -> tuple[int, bytes]:
            if down[0]:
                return 503, b"{}"
            if b'"bad"' in body:
                return 400, b'{"status": "error", "problems": ["fields.x: is bad"]}'
            return 200, TAKEN

        server = self.server(answer)
        settings = self.settings(server.url)
        for x in ("a", "bad", "b"):
            send_event("custom", {"x": x}, settings=settings)
        down[0] = False
        done = flush(settings)
        self.assertEqual((done.delivered, done.refused, done.waiting, bool(done)), (2, 1, 0, True))
        folder = Path(str(status(settings)[0]["folder"])) / "refused"
        self.assertEqual([path.read_text() for path in folder.glob("*.txt")], ["400: fields.x: is bad\n"])
        self.assertEqual(json.loads(next(folder.glob("*.json")).read_text())["fields"], {"x": "bad"})

    def test_paths_wait_by_themselves(self) -> None:
        server = self.server(lambda path, _: (429, b'{"status": "error"}') if "predictions" in path else (200, TAKEN))
        settings = self.settings(server.url)
        self.assertEqual(bellbuoy.log_predictions("bikes", [{"id": 1, "prediction": 2}], settings=settings), "spooled")
        self.assertEqual(send_event("custom", settings=settings), "delivered")
        done = flush(settings)
        self.assertEqual((done.waiting, bool(done)), (1, False))
        self.assertIn("429", done.reason)

    def test_what_was_meant_for_one_bellbuoy_never_goes_to_another(self) -> None:
        other = self.server(lambda *_: (200, TAKEN))
        send_event("custom", settings=self.settings(NOBODY))
        send_event("custom", settings=self.settings(other.url + "/below", timeout=0.0))
        self.assertEqual(flush(self.settings(other.url)).delivered, 0)
        self.assertEqual(other.came, [])


class Turns(Case):
    def setUp(self) -> None:
        super().setUp()
        self.server_ = self.server(lambda *_: (200, TAKEN))
        self.lane = Lane(self.settings(self.server_.url), "events")
        send_event("custom", settings=self.settings(self.server_.url, timeout=0.0))

    @unittest.skipUnless(os.name == "posix", "skipped: nobody takes turns elsewhere")
    def test_one_sends_at_a_time(self) -> None:
        settings = self.settings(self.server_.url)
        with self.lane.turn() as mine:
            self.assertTrue(mine)
            self.assertEqual((flush(settings).delivered, send_event("custom", settings=settings)), (0, "spooled"))
        self.assertEqual((flush(settings).delivered, len(self.server_.came)), (2, 1))

    def test_what_a_dead_writer_left_is_swept_later(self) -> None:
        old, new = self.lane.folder / ".old.json.tmp", self.lane.folder / ".new.json.tmp"
        for left in (old, new):
            left.write_text("{")
        os.utime(old, (0, 0))
        self.assertEqual(flush(self.settings(self.server_.url)).delivered, 1)
        self.assertEqual((old.exists(), new.exists()), (False, True))


class Bounds(Case):
    def test_what_does_not_fit_is_dropped_and_counted(self) -> None:
        settings = self.settings(NOBODY, items_max=3)
        outcomes = [str(send_event("custom", settings=settings)) for _ in range(5)]
        self.assertEqual(outcomes, ["spooled"] * 3 + ["dropped"] * 2)
        settings = self.settings(NOBODY, bytes_max=10)
        self.assertIn("is full", send_event("custom", settings=settings).reason)
        [lane] = status(settings)
        self.assertEqual((lane["waiting"], lane["dropped"]), (3, 3))


class Secrets(Case):
    def test_they_go_to_bellbuoy_and_nowhere_else(self) -> None:
        server = self.server(lambda *_: (302, b""))
        url = server.url.replace("//", "//bell:s%33cret@")
        for settings in (self.settings(url), self.settings(server.url, token="t0ken-s3cret")):
            with self.assertLogs("bellbuoy", "WARNING") as logs:
                logging.getLogger("bellbuoy").setLevel(logging.WARNING)
                outcome = send_event("custom", settings=settings)
            logging.getLogger("bellbuoy").setLevel(logging.CRITICAL)
            self.assertEqual(outcome, "spooled")
            files = [(str(path), path.read_bytes()) for path in self.spool.rglob("*") if path.is_file()]
            for text in (repr(settings), outcome.reason, str(logs.output), str(files)):
                self.assertNotIn("s3cret", text)
                self.assertNotIn("s%33cret", text)
        self.assertEqual(
            next(headers["Authorization"] for _, _, headers in server.came if "Authorization" in headers), "Basic YmVsbDpzM2NyZXQ="
        )
        self.assertEqual(server.came[-1][2]["Authorization"], "Bearer t0ken-s3cret")

    def test_a_token_that_cannot_be_sent_is_not_shown(self) -> None:
        for token in ("s3cret\nnew: line", "s3cret€"):
            outcome = send_event("custom", settings=self.settings(NOBODY, token=token))
            self.assertEqual(outcome, "spooled")
            self.assertNotIn("s3cret", outcome.reason)

    @unittest.skipUnless(os.name == "posix", "skipped: file modes are POSIX")
    def test_nobody_else_reads_the_spool(self) -> None:
        send_event("custom", settings=self.settings(NOBODY))
        for path in self.spool.rglob("*"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)


class FromTheEnvironment(Case):
    def test_settings(self) -> None:
        token = self.spool.parent / "token"
        token.write_text("from a file\n")
        env = {"BELLBUOY_URL": "http://b:1/", "BELLBUOY_TOKEN_FILE": str(token), "BELLBUOY_SPOOL": "/s", "BELLBUOY_TIMEOUT": "soon"}
        settings = Settings.from_env(env)
        self.assertEqual((settings.url, settings.token, settings.spool, settings.timeout), ("http://b:1/", "from a file", Path("/s"), 3.0))
        self.assertEqual((settings.bare_url, settings.place), ("http://b:1", "b:1"))
        self.assertEqual(Settings.from_env({"BELLBUOY_TOKEN_FILE": "/nowhere"}).token, "")

    def test_command_line(self) -> None:
        server = self.server(lambda *_: (200, TAKEN))
        send_event("custom", settings=self.settings(server.url, timeout=0.0))
        arguments = ["--url", server.url, "--spool", str(self.spool)]
        for expected, command in ((0, "status"), (0, "flush"), (0, "flush")):
            with redirect_stdout(io.StringIO()) as said:
                self.assertEqual(main([command, *arguments]), expected, said.getvalue())
        self.assertIn("0 delivered, 0 refused, 0 waiting", said.getvalue())
        self.assertEqual(len(server.came), 1)
        send_event("custom", settings=self.settings(NOBODY))
        with redirect_stdout(io.StringIO()) as said:
            self.assertEqual(main(["flush", "--url", NOBODY, "--spool", str(self.spool)]), 1)
        self.assertIn("1 waiting: 127.0.0.1:9", said.getvalue())
        bellbuoy.settings._configured = None


class TheOutcome(unittest.TestCase):
    def test_is_a_text_that_travels(self) -> None:
        outcome = Outcome("refused", "because")
        copy = pickle.loads(pickle.dumps(outcome))
        self.assertEqual((copy, copy.reason, bool(copy)), ("refused", "because", False))
        self.assertEqual(json.dumps(Outcome("delivered")), '"delivered"')
