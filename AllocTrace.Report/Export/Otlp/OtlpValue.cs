namespace AllocTrace.Report.Export.Otlp;

/// <summary>Values of attributes.</summary>
internal static class OtlpValue
{
    public static AnyValue Of(object value) => value is long number ? new AnyValue { IntValue = number } : new AnyValue { StringValue = (string)value };
}
