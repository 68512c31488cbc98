"""A database in memory: rows written, indexed, joined and read."""
import sqlite3

database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, town TEXT)")
database.execute("CREATE TABLE purchase (customer INTEGER, amount REAL, day INTEGER)")
database.executemany("INSERT INTO customer VALUES (?, ?, ?)", ((i, f"customer {i}", f"town {i % 50}") for i in range(5000)))
for year in range(2):
    database.executemany("INSERT INTO purchase VALUES (?, ?, ?)", ((i * 7 % 5000, i / 3, year * 365 + i % 365) for i in range(60000)))
database.execute("CREATE INDEX by_customer ON purchase (customer)")
for town in range(50):
    rows = database.execute(
        "SELECT name, COUNT(*), SUM(amount) FROM customer JOIN purchase ON customer.id = customer WHERE town = ? GROUP BY name ORDER BY 3 DESC",
        (f"town {town}",),
    ).fetchall()
    assert len(rows) == 100
for row in database.execute("SELECT name, amount, day FROM purchase JOIN customer ON customer.id = customer ORDER BY amount"):
    pass
