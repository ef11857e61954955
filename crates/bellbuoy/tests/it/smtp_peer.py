"""An SMTP server that others wrote (aiosmtpd): STARTTLS and a log-in are needed, the first mail is put off. Prints each mail as a line of JSON."""
import asyncio
import json
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult

certificate, key = sys.argv[1:]


class Handler:
    put_off = 1

    async def handle_DATA(self, server, session, envelope):
        if self.put_off:
            self.put_off -= 1
            return "451 come back later"
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = {kind: mail.get_body((kind,)).get_content() for kind in ("plain", "html")}
        print(json.dumps({"to": envelope.rcpt_tos, "subject": mail["subject"], "id": mail["message-id"], "encrypted": session.ssl is not None,
                          "defects": [repr(defect) for part in mail.walk() for defect in part.defects], **body}), flush=True)
        return "250 taken"


def log_in(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"ann" and data.password == b"pass")


handler = Handler()
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


async def main():
    settings = dict(tls_context=context, require_starttls=True, authenticator=log_in, auth_required=True)
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler, **settings), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
