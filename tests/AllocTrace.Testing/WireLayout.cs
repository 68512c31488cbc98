using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

using AllocTrace.Wire;

namespace AllocTrace.Testing;

/// <summary>States the layout of the mirrored structures, so that a test can compare it with what a C compiler makes of <c>wire.h</c>.</summary>
public static class WireLayout
{
    private static readonly (string Name, Type Type)[] _structures =
    [
        ("alloctrace_session", typeof(SessionHeader)),
        ("alloctrace_runtime", typeof(RuntimeEntry)),
        ("alloctrace_thread", typeof(ThreadSlot)),
        ("alloctrace_slab", typeof(SlabHeader)),
        ("alloctrace_node", typeof(StackNode)),
        ("alloctrace_code", typeof(CodeEntry)),
        ("alloctrace_image", typeof(ImageEntry)),
        ("alloctrace_c_frame", typeof(CFrame)),
        ("alloctrace_crash", typeof(CrashHeader)),
        ("alloctrace_crash_thread", typeof(CrashThread)),
        ("alloctrace_crash_frame", typeof(CrashFrame)),
        ("alloctrace_crash_c_frame", typeof(CrashCFrame)),
        ("alloctrace_crash_allocation", typeof(CrashAllocation)),
    ];

    /// <summary>
    /// A line <c>structure.member offset size</c> for each member, in the order of the header, reserved members left out; and a line
    /// <c>structure size</c> for each structure.
    /// </summary>
    public static string Describe()
    {
        var text = new StringBuilder();
        foreach (var (name, type) in _structures)
        {
            foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Instance).OrderBy(Offset))
                text.Append(name).Append('.').Append(SnakeCase(field.Name)).Append(' ').Append(Offset(field)).Append(' ').Append(Size(field)).Append('\n');

            text.Append(name).Append(' ').Append(Marshal.SizeOf(type)).Append('\n');
        }

        return text.ToString();
    }

    private static int Offset(FieldInfo field) => field.GetCustomAttribute<FieldOffsetAttribute>()!.Value;

    private static int Size(FieldInfo field) => field.GetCustomAttribute<FixedBufferAttribute>() is { } array
        ? array.Length * Marshal.SizeOf(array.ElementType)
        : Marshal.SizeOf(field.FieldType);

    private static string SnakeCase(string name) =>
        string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? "_" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));
}
