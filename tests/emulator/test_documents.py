"""What documents count: a text its words, a PDF its pages."""

from base64 import b64encode

from backburner.emulator.tokens import PAGE_TOKENS

PAGE = b"1 0 obj << /Type /Page >> endobj\n"


def pdf(pages: int, filling: int = 0) -> dict:
    data = b"%PDF-1.4\n<< /Type /Pages >>\n" + PAGE * pages + b"0" * filling
    source = {"type": "base64", "media_type": "application/pdf", "data": b64encode(data).decode()}
    return {"type": "document", "source": source}


def counted(api, ask, *blocks):
    body = ask() | {"messages": [{"role": "user", "content": list(blocks)}]}
    del body["max_tokens"]
    return api.post("/v1/messages/count_tokens", body).json["input_tokens"]


def test_a_pdf_counts_by_its_pages_and_not_by_its_bytes(api, ask):
    one, three = counted(api, ask, pdf(1)), counted(api, ask, pdf(3))

    assert three - one == 2 * PAGE_TOKENS
    assert counted(api, ask, pdf(3, filling=500_000)) == three


def test_a_pdf_whose_pages_are_not_seen_has_one(api, ask):
    assert counted(api, ask, pdf(0)) == counted(api, ask, pdf(1))


def test_a_document_of_text_counts_as_its_text(api, ask):
    text = "some words " * 500
    source = {"type": "text", "media_type": "text/plain", "data": text}

    found = counted(api, ask, {"type": "document", "source": source})

    assert found == counted(api, ask, {"type": "text", "text": text})
