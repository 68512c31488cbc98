namespace AllocTrace.Report.Render;

/// <summary>One line on a terminal that says what is going on, and is gone when it is over. Elsewhere nothing is written.</summary>
internal sealed class ProgressLine(TextWriter terminal, bool isShown) : IDisposable
{
    private const string Erase = "\r\u001b[K";
    private bool _isThere;

    public void Show(string text)
    {
        if (!isShown)
            return;

        terminal.Write(Erase + text);
        terminal.Flush();
        _isThere = true;
    }

    public void Dispose()
    {
        if (_isThere)
            terminal.Write(Erase);

        _isThere = false;
    }
}
