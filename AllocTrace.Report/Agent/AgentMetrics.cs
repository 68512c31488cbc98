using System.Globalization;
using System.Net;
using System.Text;

namespace AllocTrace.Report.Agent;

/// <summary>An agent's own figures in Prometheus' text format, for this machine only.</summary>
internal sealed class AgentMetrics : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Func<IReadOnlyList<AgentFigure>> _figures;
    private readonly Task _serving;

    /// <param name="port">The port of the loopback address.</param>
    /// <param name="figures">Asked for each time.</param>
    /// <exception cref="IOException">The port cannot be used. The message is one line.</exception>
    public AgentMetrics(int port, Func<IReadOnlyList<AgentFigure>> figures)
    {
        _figures = figures;
        _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        try
        {
            _listener.Start();
        }
        catch (HttpListenerException e)
        {
            throw new IOException($"--metrics: port {port} cannot be used: {e.Message}", e);
        }

        _serving = Serve();
    }

    /// <summary>Returns the text.</summary>
    public static string Format(IEnumerable<AgentFigure> figures)
    {
        var text = new StringBuilder();
        foreach (var (name, help, type, value) in figures)
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n{name} {value}\n");

        return text.ToString();
    }

    public void Dispose()
    {
        _listener.Abort();
        _serving.Wait();
    }

    private async Task Serve()
    {
        while (true)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                context.Response.StatusCode = context.Request.Url?.AbsolutePath == "/metrics" ? 200 : 404;
                context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
                if (context.Response.StatusCode == 200)
                    await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(Format(_figures())));

                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException && !_listener.IsListening)
            {
                return;
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException or InvalidOperationException)
            {
                // Whoever asked has gone.
            }
        }
    }
}

/// <summary>One figure.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Help">The explanation of the metric.</param>
/// <param name="Type"><c>counter</c> or <c>gauge</c>.</param>
/// <param name="Value">Its value.</param>
internal readonly record struct AgentFigure(string Name, string Help, string Type, double Value);
