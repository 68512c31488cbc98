using System.Text.Json;
using AllocTrace.Analysis;
using AllocTrace.Testing;

namespace AllocTrace.Tests.Analysis;

[TestClass]
public sealed class CodeOriginsTests
{
    [TestMethod]
    [DataRow("/srv/app.py", CodeOrigin.Own)]
    [DataRow("app.py", CodeOrigin.Own)]
    [DataRow("<string>", CodeOrigin.Own)]
    [DataRow("/home/me/lib/pythonic/app.py", CodeOrigin.Own)]
    [DataRow("/home/me/python3.11/app.py", CodeOrigin.Own)]
    [DataRow("/home/me/app/importlib_tools.py", CodeOrigin.Own)]
    [DataRow("<frozen importlib._bootstrap>", CodeOrigin.Import)]
    [DataRow("<frozen importlib._bootstrap_external>", CodeOrigin.Import)]
    [DataRow("/usr/lib/python3.11/importlib/__init__.py", CodeOrigin.Import)]
    [DataRow("<frozen zipimport>", CodeOrigin.Library)]
    [DataRow("/usr/lib/python3.11/json/decoder.py", CodeOrigin.Library)]
    [DataRow("/usr/lib64/python3.9/json/decoder.py", CodeOrigin.Library)]
    [DataRow("/opt/lib/python3.13t/json/decoder.py", CodeOrigin.Library)]
    [DataRow("/opt/lib/python313.zip/json/decoder.py", CodeOrigin.Library)]
    [DataRow("/srv/app/python313.zip/json/decoder.py", CodeOrigin.Library)]
    [DataRow("/opt/lib/pypy3.10/json/decoder.py", CodeOrigin.Library)]
    [DataRow("<attrs generated init app.Point>", CodeOrigin.Package)]
    [DataRow("<__array_function__ internals>", CodeOrigin.Package)]
    [DataRow("/venv/lib/python3.11/site-packages/backport/importlib/__init__.py", CodeOrigin.Package)]
    [DataRow("/usr/lib/python3/dist-packages/flask/app.py", CodeOrigin.Package)]
    [DataRow("/venv/lib/python3.11/site-packages/six.py", CodeOrigin.Package)]
    public void Names_of_files(string filename, object origin) => Assert.AreEqual(origin, CodeOrigins.Of(filename));

    /// <summary>Compares with the folders that each CPython reports for its own files.</summary>
    [TestMethod]
    public void Folders_of_CPython()
    {
        const string script = "import json, sysconfig; print(json.dumps([sysconfig.get_path(name) for name in ('stdlib', 'platstdlib', 'purelib', 'platlib')]))";
        var folders = JsonSerializer.Deserialize<string[]>(Python.Default.Run(["-c", script]).Succeeded().Output)!;
        CodeOrigin[] expected = [CodeOrigin.Library, CodeOrigin.Library, CodeOrigin.Package, CodeOrigin.Package];
        CollectionAssert.AreEqual(expected, Array.ConvertAll(folders, folder => CodeOrigins.Of($"{folder}/some.py")));
    }
}
