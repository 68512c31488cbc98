"""Loads much of the standard library: code objects, names, big dictionaries."""
import argparse, ast, asyncio, collections, csv, ctypes, dataclasses, decimal, difflib, email.message, fractions, html.parser, http.client, inspect
import json, logging, multiprocessing, pickle, queue, random, sqlite3, statistics, tarfile, typing, unittest, urllib.request, xml.dom.minidom, zipfile
print(len(dir(typing)) > 0)
