using System.Globalization;
using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>A domain as a filter names it. tracemalloc has one number, 0, for the three that CPython's allocators have.</summary>
internal readonly record struct DomainName
{
    private readonly string? _name; // null: all of CPython's own
    private readonly string _given;

    public DomainName(string name) => (_name, _given) = (KnownDomain.NameOf(name), name);

    public DomainName(long number) => (_name, _given) = (number == 0 ? null : KnownDomain.NameOf(number), number.ToString(CultureInfo.InvariantCulture));

    public bool Matches(TraceDomain domain) => _name is null ? domain.Number == 0 : domain.Name == _name;

    public override string ToString() => _given;
}
