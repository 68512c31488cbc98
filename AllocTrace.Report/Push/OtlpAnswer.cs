using AllocTrace.Report.Export.Otlp;
using Google.Protobuf;

namespace AllocTrace.Report.Push;

/// <summary>Reads a receiver's answer to OTLP profiles that it took.</summary>
internal static class OtlpAnswer
{
    /// <summary>The type of requests and of their answers.</summary>
    public const string MediaType = "application/x-protobuf";

    /// <summary>
    /// Returns the fault of an answer, or <see langword="null"/>. An answer that is not OTLP comes from a server that did not take the
    /// profiles.
    /// </summary>
    /// <param name="mediaType">The type of the answer; <see langword="null"/> when it has none.</param>
    /// <param name="body">The answer.</param>
    public static SendProblem? ProblemOf(string? mediaType, byte[] body)
    {
        if (body.Length == 0)
            return null;

        if (mediaType is not (MediaType or null))
            return NotOtlp(mediaType);

        try
        {
            var answer = ExportProfilesServiceResponse.Parser.ParseFrom(body).PartialSuccess;
            return answer is { RejectedProfiles: > 0 }
                ? new($"the server took the request, but rejected {answer.RejectedProfiles} of its profiles: {answer.ErrorMessage}", false, Status: 200, Rejected: answer.RejectedProfiles)
                : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return NotOtlp("something");
        }
    }

    private static SendProblem NotOtlp(string what) =>
        new($"the server answered 200 with {what} instead of OTLP. Give the address of a receiver of OTLP profiles", false, Status: 200);
}
