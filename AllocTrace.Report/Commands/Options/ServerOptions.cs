using System.CommandLine;
using System.Net.Http.Headers;
using AllocTrace.Report.Push;

namespace AllocTrace.Report.Commands;

/// <summary>The options that say who a server of profiles is, and what it takes to be let in. What is secret is read from files.</summary>
internal sealed class ServerOptions
{
    private readonly Option<Uri?> _address;
    private readonly Option<string?> _bearer = new("--bearer-file") { Description = "The file with the token to send, as Authorization: Bearer.", HelpName = "FILE" };
    private readonly Option<string?> _basic = new("--basic-file") { Description = "The file with USER:PASSWORD to send, as Authorization: Basic.", HelpName = "FILE" };
    private readonly Option<string?> _tenant = new("--tenant") { Description = "The tenant, for servers that have several (X-Scope-OrgID).", HelpName = "ID" };
    private readonly Option<string?> _roots = new("--ca") { Description = "The certificates that may sign the server's, in PEM format. [default: the system's]", HelpName = "FILE" };

    /// <param name="command">Gets the options.</param>
    /// <param name="name">The option with the address.</param>
    /// <param name="description">The explanation of the address.</param>
    /// <param name="isRequired">True if a server must be given.</param>
    public ServerOptions(Command command, string name, string description, bool isRequired)
    {
        _address = new Option<Uri?>(name)
        {
            Description = description,
            HelpName = "URL",
            Required = isRequired,
            CustomParser = result =>
            {
                if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
                    return address;

                result.AddError($"{name} cannot be '{result.Tokens[0].Value}': give the address of a server, for example http://localhost:4040");
                return null;
            },
        };
        foreach (var option in (Option[])[_address, _bearer, _basic, _tenant, _roots])
            command.Add(option);

        ReportArguments.AtMostOne(command, _bearer, _basic);
    }

    /// <summary>Reads the files and returns the server; <see langword="null"/> if none was given.</summary>
    /// <exception cref="UsageException">A file cannot be read, or has something else in it.</exception>
    public PushServer? Read(ParseResult parsed)
    {
        if (parsed.GetValue(_address) is not { } address)
            return null;

        AuthenticationHeaderValue? authorization = null;
        if (parsed.GetValue(_bearer) is { } bearer)
            authorization = SecretFile.Bearer(_bearer.Name, bearer);
        else if (parsed.GetValue(_basic) is { } basic)
            authorization = SecretFile.Basic(_basic.Name, basic);

        var tenant = parsed.GetValue(_tenant);
        if (tenant is not null && (tenant == "" || !tenant.All(c => c is > ' ' and < '\x7f')))
            throw new UsageException($"{_tenant.Name} cannot be '{tenant}': use letters, digits and signs of ASCII without blanks");

        return new PushServer(address, authorization, tenant, parsed.GetValue(_roots) is { } roots ? SecretFile.Roots(_roots.Name, roots) : null);
    }
}
