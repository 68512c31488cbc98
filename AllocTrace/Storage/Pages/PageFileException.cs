namespace AllocTrace.Storage.Pages;

/// <summary>Pages of a database cannot be written.</summary>
internal sealed class PageFileException(string message, Exception cause) : IOException(message, cause);
