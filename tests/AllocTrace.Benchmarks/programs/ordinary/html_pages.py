"""Pages are parsed, and their links collected."""
from html.parser import HTMLParser

PAGE = "<html><head><title>Page</title></head><body>" + "".join(
    f'<div class="row" id="r{i}"><p>Text <b>number {i}</b> &amp; more</p><a href="/item/{i}?x=1">Item {i}</a><br></div>' for i in range(300)
) + "</body></html>"


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.found.append(dict(attributes)["href"])


for _ in range(160):
    parser = Links()
    parser.feed(PAGE)
    parser.close()
    assert len(parser.found) == 300
