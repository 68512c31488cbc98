"""Sources are split into tokens."""
import io
import tokenize

SOURCE = "\n".join(f"def function_{i}(first, second={i}):\n    value = first + second * {i}  # comment\n    return [value, 'text {i}']\n" for i in range(300))

for _ in range(350):
    assert sum(1 for _ in tokenize.generate_tokens(io.StringIO(SOURCE).readline)) > 7000
