"""A program with a planted leak: 1,000 blocks of 10,000 bytes each that nothing will ever free."""


class Session:
    def __init__(self, name):
        self.name = name
        self.history = bytearray(9_999)  # CPython adds one byte for the terminating NUL


class Server:
    def __init__(self):
        self.sessions = {}

    def login(self, name):
        self.sessions[name] = Session(name)  # logout forgets to remove it

    def logout(self, name):
        pass


def serve(server, users):
    for i in range(users):
        name = f"user-{i}"
        server.login(name)
        " ".join(str(n) for n in range(100))  # work that leaves nothing behind
        server.logout(name)


if __name__ == "__main__":
    server = Server()
    serve(server, 1_000)
    print(f"{len(server.sessions)} sessions, and nobody is logged in")
