namespace AllocTrace.Objects;

/// <summary>
/// Reads a numpy array. PyArrayObject_fields of numpy 1 and 2: {data, number of dimensions, dimensions, strides, base, descr, flags}; PyArray_Descr begins with
/// {type, kind}.
/// </summary>
internal readonly struct NumpyFields(PageReader memory, ObjectLayout layout, ulong address)
{
    /// <summary>Offsets behind the head that every object has.</summary>
    public const int DataField = 0, DimensionField = 8, SizeField = 16, BaseField = 32, DescriptionField = 40, FlagField = 48, FieldBytes = 56;

    /// <summary>NPY_ARRAY_OWNDATA.</summary>
    private const ulong OwnsData = 4;

    private const int MostDimensions = 64;

    private const long MostItems = 1L << 40;

    public ulong Data => Field(DataField);

    public ulong Base => Field(BaseField);

    /// <summary>The number of references that its data are; 0 for numbers, structures, and views, whose data belong to another object.</summary>
    public long References
    {
        get
        {
            if (IsView(Base, Field(FlagField)) || KindOf(memory, layout, Field(DescriptionField)) != 'O')
                return 0;

            var (items, sizes) = (1L, Field(SizeField));
            for (var left = Math.Min((uint)Field(DimensionField), MostDimensions); left > 0; left--, sizes += 8)
                items = Math.Min(items * (long)Math.Min(memory.Word(sizes), MostItems >> 20), MostItems);

            return items;
        }
    }

    /// <summary>Returns whether an array's data belong to its base.</summary>
    public static bool IsView(ulong baseField, ulong flags) => baseField != 0 && (flags & OwnsData) == 0;

    /// <summary>Returns what the items of an array are: O for objects, V for structures.</summary>
    public static char KindOf(PageReader memory, ObjectLayout layout, ulong description) => (char)(byte)memory.Word(description, layout.ObjectBytes + 8);

    private ulong Field(int offset) => memory.Word(address, layout.ObjectBytes + offset);
}
