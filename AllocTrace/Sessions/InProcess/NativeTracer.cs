using System.Runtime.InteropServices;
using System.Text;

namespace AllocTrace.Sessions;

/// <summary>The functions of <c>alloctrace.h</c>.</summary>
internal sealed unsafe class NativeTracer
{
    /// <summary>The result of the functions on success.</summary>
    public const int Done = 0;

    /// <summary>The result when there is no recording.</summary>
    public const int NotRunning = -2;

    private readonly delegate* unmanaged<byte*, byte*, int> _start;
    private readonly delegate* unmanaged<int> _stop;
    private readonly delegate* unmanaged<byte*, int> _snapshot;
    private readonly delegate* unmanaged<byte*, int> _snapshotObjects;
    private readonly delegate* unmanaged<uint, int> _flush;
    private readonly delegate* unmanaged<NativeStatus*, int> _status;
    private readonly delegate* unmanaged<void> _leaveOutThread;

    private NativeTracer(nint library)
    {
        _start = (delegate* unmanaged<byte*, byte*, int>)NativeLibrary.GetExport(library, "alloctrace_start");
        _stop = (delegate* unmanaged<int>)NativeLibrary.GetExport(library, "alloctrace_stop");
        _snapshot = (delegate* unmanaged<byte*, int>)NativeLibrary.GetExport(library, "alloctrace_snapshot");
        _snapshotObjects = (delegate* unmanaged<byte*, int>)NativeLibrary.GetExport(library, "alloctrace_snapshot_objects");
        _flush = (delegate* unmanaged<uint, int>)NativeLibrary.GetExport(library, "alloctrace_flush");
        _status = (delegate* unmanaged<NativeStatus*, int>)NativeLibrary.GetExport(library, "alloctrace_get_status");
        _leaveOutThread = (delegate* unmanaged<void>)NativeLibrary.GetExport(library, "alloctrace_leave_out_thread");
    }

    public bool IsRecording
    {
        get
        {
            var status = new NativeStatus { Size = (uint)sizeof(NativeStatus) };
            return _status(&status) == Done && status.IsRecording != 0;
        }
    }

    /// <exception cref="IOException">The library is missing or cannot be loaded. The message is one line.</exception>
    public static NativeTracer Load()
    {
        var path = NativeLibraryFile.Find();
        try
        {
            return new NativeTracer(NativeLibrary.Load(path));
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            throw new IOException($"{path} cannot be loaded: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    public int Start(string path, string options)
    {
        fixed (byte* pathBytes = Bytes(path), optionBytes = Bytes(options))
            return _start(pathBytes, optionBytes);
    }

    /// <summary>Takes a snapshot.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="objects">
    /// True to read the types and holders of its blocks; if they cannot be read, the snapshot is taken without them, but the result is a
    /// failure.
    /// </param>
    public int Snapshot(string name, bool objects)
    {
        fixed (byte* nameBytes = Bytes(name))
            return objects ? _snapshotObjects(nameBytes) : _snapshot(nameBytes);
    }

    public int Flush(uint milliseconds) => _flush(milliseconds);

    public int Stop() => _stop();

    /// <summary>Leaves what the calling thread allocates out of the recording, from now on.</summary>
    public void LeaveOutThread() => _leaveOutThread();

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text + '\0');

    /// <summary>The beginning of <c>struct alloctrace_status</c>.</summary>
    private struct NativeStatus
    {
        public uint Size;
        public uint IsRecording;
    }
}
