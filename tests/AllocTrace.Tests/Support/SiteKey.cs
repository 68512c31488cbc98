namespace AllocTrace.Tests.Support;

internal readonly record struct SiteKey(int Thread, int Domain, uint Stack);
