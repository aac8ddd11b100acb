"""What the settings point at, looked at before a city depends on it: the merchant's keys, the built app."""

from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from backend.settings import Settings

_API_V3_KEY_LENGTH = 32


def app_problems(settings: Settings) -> list[str]:
    """What keeps the web server from showing the resident app."""
    if (settings.miniprogram_dir / "index.html").is_file():
        return []
    return ["MINIPROGRAM_DIR holds no index.html: build the resident app, or name where it is."]


def key_problems(settings: Settings) -> list[str]:
    """A sentence for each key of the merchant that cannot be used; values are not repeated."""
    problems = []
    private, public = settings.wechat_pay_private_key.get_secret_value(), settings.wechat_pay_public_key
    if private and not _is_key(private, private=True):
        problems.append("WECHAT_PAY_PRIVATE_KEY is neither a PEM private key nor a file that holds one.")
    if public and not _is_key(public, private=False):
        problems.append("WECHAT_PAY_PUBLIC_KEY is neither a PEM public key nor a file that holds one.")
    key_id = settings.wechat_pay_public_key_id
    if key_id and not key_id.startswith("PUB_KEY_ID_"):
        problems.append("WECHAT_PAY_PUBLIC_KEY_ID begins with PUB_KEY_ID_: the merchant's console shows it.")
    api_key = settings.wechat_pay_api_v3_key.get_secret_value()
    if api_key and len(api_key.encode()) != _API_V3_KEY_LENGTH:
        problems.append(f"WECHAT_PAY_API_V3_KEY must be {_API_V3_KEY_LENGTH} characters long.")
    return problems


def _is_key(text_or_path: str, *, private: bool) -> bool:
    try:
        pem = text_or_path if "-----BEGIN" in text_or_path else Path(text_or_path).read_text()
        if private:
            load_pem_private_key(pem.encode(), password=None)
        else:
            load_pem_public_key(pem.encode())
    except (OSError, ValueError, TypeError):
        return False
    return True
