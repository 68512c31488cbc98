"""Documents become trees of elements, are searched and written again."""
import xml.etree.ElementTree as ElementTree

DOCUMENT = "<orders>" + "".join(
    f'<order id="{i}"><customer>Customer {i}</customer><line sku="a{i}" count="2"/><line sku="b{i}" count="1"/></order>' for i in range(1000)
) + "</orders>"

for _ in range(140):
    root = ElementTree.fromstring(DOCUMENT)
    count = sum(int(line.get("count")) for line in root.iter("line"))
    assert count == 3000 and root.find("order[@id='500']/customer").text == "Customer 500"
    ElementTree.tostring(root)
