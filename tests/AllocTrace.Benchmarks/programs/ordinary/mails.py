"""Mails with attachments are built, written and parsed."""
import email
import email.message
import email.policy

for number in range(450):
    message = email.message.EmailMessage()
    message["Subject"] = f"Report number {number}"
    message["From"] = "one@example.org"
    message["To"] = ", ".join(f"reader{i}@example.org" for i in range(5))
    message.set_content("Hello,\n\nthe report is attached.\n" * 10)
    message.add_attachment(bytes(range(256)) * 8, maintype="application", subtype="octet-stream", filename="report.bin")
    parsed = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    assert parsed["Subject"] == f"Report number {number}" and len(list(parsed.iter_attachments())) == 1
