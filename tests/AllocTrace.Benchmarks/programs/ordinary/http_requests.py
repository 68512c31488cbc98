"""A server answers a client, each in a thread."""
import http.client
import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        body = f"<p>{self.path}</p>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
thread = threading.Thread(target=server.serve_forever)
thread.start()
client = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
for number in range(3500):
    client.request("GET", f"/page/{number}")
    assert client.getresponse().read().startswith(b"<p>/page/")
client.close()
server.shutdown()
thread.join()
server.server_close()
