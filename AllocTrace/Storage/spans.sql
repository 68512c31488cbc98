-- Spans of traces, of sampled recordings of processes that publish OpenTelemetry's thread context (docs/trace-context.md).

-- What samples of a site allocated while their thread worked for a span. Sums over spans are at most those of slice_site: not every sample has a span.
CREATE TABLE slice_span (
    slice            INTEGER NOT NULL REFERENCES slice,
    site             INTEGER NOT NULL REFERENCES site,
    trace_id         TEXT NOT NULL,    -- 32 digits of base 16, as in the header traceparent
    span_id          TEXT NOT NULL,    -- 16 digits
    samples          INTEGER NOT NULL,
    allocated_bytes  INTEGER NOT NULL, -- estimates, like those of site
    allocated_blocks INTEGER NOT NULL,
    PRIMARY KEY (slice, site, trace_id, span_id)
) WITHOUT ROWID;

-- What is known of the spans of a process. No row: it published none.
CREATE TABLE trace_context (
    process  INTEGER PRIMARY KEY REFERENCES process,
    samples  INTEGER NOT NULL, -- samples with a span
    not_kept INTEGER NOT NULL, -- of these, samples that are not in slice_span: there were more spans than are kept
    unread   INTEGER NOT NULL  -- samples without a span, because what their thread published could not be read
);
