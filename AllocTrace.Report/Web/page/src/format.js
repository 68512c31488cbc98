const units = ["B", "KiB", "MiB", "GiB", "TiB"];

// The same words as AllocTrace.Analysis/ByteSize.cs.
export function formatBytes(bytes, sign = false) {
  let size = bytes;
  for (let unit = 0; ; unit++) {
    const decimals = Math.abs(size) < 100 && unit > 0 ? 1 : 0;
    if (decimals === 1 || Math.abs(size) < 10 * 1024 || unit === units.length - 1)
      return `${sign && size >= 0 ? "+" : ""}${size.toFixed(decimals)} ${units[unit]}`;

    size /= 1024;
  }
}

export function formatAmount(value, unit, sign = false) {
  if (unit === "bytes")
    return formatBytes(value, sign);

  return `${sign && value >= 0 ? "+" : ""}${value.toLocaleString("en-US")} ${Math.abs(value) === 1 ? "block" : "blocks"}`;
}

export function formatSeconds(seconds) {
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

export function percent(part, whole) {
  return whole ? `${((100 * part) / whole).toFixed(1)}%` : "";
}

export function place(node) {
  return node.file && node.line ? `${node.file}:${node.line}` : node.file;
}
