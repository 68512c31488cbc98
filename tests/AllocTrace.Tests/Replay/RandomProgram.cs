using AllocTrace.Testing;
using AllocTrace.Tests.Support;

namespace AllocTrace.Tests.Replay;

/// <summary>
/// A program of a few threads that allocates, frees and reallocates at random, in a session and in a model at once. It also makes the calls
/// that only occur after losses: it allocates at the address of a live block, and frees unknown blocks.
/// </summary>
internal sealed class RandomProgram
{
    private const int Slots = 60;

    private readonly Random _random;
    private readonly SessionBuilder _session;
    private readonly NaiveModel _model;
    private readonly BuiltThread[] _threads;
    private readonly uint[] _stacks;
    private readonly Dictionary<(int Thread, int Domain), ulong> _reallocs = [];

    public RandomProgram(Random random, SessionBuilder session, NaiveModel model)
    {
        _random = random;
        _session = session;
        _model = model;
        _stacks = [0, 1, .. session.AddStacks(6)];
        _threads = [.. Enumerable.Range(0, 3).Select(_ => session.AddThread())];
        session.Set32(100 + 4 * 3, 389047);
    }

    public void Run(int events)
    {
        for (var i = 0; i < events; i++)
        {
            _session.NowNs += (ulong)_random.Next(30_000_000);
            Step(_random.Next(_threads.Length), _random.Next(4));
        }
    }

    private void Step(int thread, int domain)
    {
        if (_reallocs.Remove((thread, domain), out var old))
        {
            EndRealloc(thread, domain, old);
            return;
        }

        switch (_random.Next(10))
        {
            case < 4:
                Allocate(thread, domain);
                break;

            case < 8:
                var freed = Address(domain);
                _threads[thread].Free(domain, freed);
                _model.Free(thread, domain, freed);
                break;

            default:
                var moved = Address(domain);
                _threads[thread].ReallocBegin(domain, moved);
                _model.ReallocBegin(thread, domain, moved);
                _reallocs.Add((thread, domain), moved);
                break;
        }
    }

    private void Allocate(int thread, int domain)
    {
        var (address, size, stack) = (Address(domain), Size(), Stack());
        if (_random.Next(2) == 0)
        {
            _threads[thread].Malloc(domain, address, size, stack);
            _model.Allocate(kind: 1, thread, domain, address, size, stack);
        }
        else
        {
            _threads[thread].Calloc(domain, address, size, stack);
            _model.Allocate(kind: 2, thread, domain, address, size, stack);
        }
    }

    private void EndRealloc(int thread, int domain, ulong old)
    {
        if (_random.Next(3) == 0 && !_model.IsLive(domain, old))
        {
            _threads[thread].ReallocFailed(domain, old);
            _model.ReallocFailed(thread, domain);
            return;
        }

        var (address, size, stack) = (Address(domain), Size(), Stack());
        _threads[thread].Realloc(domain, address, size, stack);
        _model.ReallocCommit(thread, domain, address, size, stack);
    }

    /// <summary>Returns one of a few addresses, on several pages; those of the tracked domain are not aligned.</summary>
    private ulong Address(int domain) => 0x7F00_0000_0000 + (ulong)_random.Next(Slots) * 0x4010 + (domain == 3 ? 8u : 0u);

    private ulong Size() => _random.Next(50) switch
    {
        0 => uint.MaxValue - 1 + (ulong)_random.Next(3),
        1 => 1UL << 33,
        _ => (ulong)_random.Next(1, 2000),
    };

    private uint Stack() => _stacks[_random.Next(_stacks.Length)];
}
