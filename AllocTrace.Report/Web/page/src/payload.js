// Reads what AllocTrace.Report/Web/ColumnFile.cs wrote: raw deflate in base64; header in JSON, then columns of numbers.
export async function readPayload(base64) {
  const compressed = Uint8Array.from(atob(base64.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const buffer = await new Response(stream).arrayBuffer();
  const headerBytes = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, headerBytes)));
  const begin = Math.ceil((4 + headerBytes) / 8) * 8;
  const columns = {};
  for (const [name, type, offset, length] of header.columns)
    columns[name] = new (type === "i32" ? Int32Array : Float64Array)(buffer, begin + offset, length);

  return { ...header, columns };
}
