"""The clouds' signatures over fixed inputs: the vendors' own published examples."""

from dataclasses import replace

import pytest

from notify.sms.aliyun import AliyunSMSConfig, signature
from notify.sms.tencent import TencentSMSConfig, authorization

# Published with the SMS API; only the signature's text is ours to compute.
ALIYUN = {
    "AccessKeyId": "testId",
    "Action": "SendSms",
    "Format": "XML",
    "OutId": "123",
    "PhoneNumbers": "15300000001",
    "RegionId": "cn-hangzhou",
    "SignName": "阿里云短信测试专用",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466",
    "SignatureVersion": "1.0",
    "TemplateCode": "SMS_71390007",
    "TemplateParam": '{"customer":"test"}',
    "Timestamp": "2017-07-12T02:42:19Z",
    "Version": "2017-05-25",
}
# Published with the signature's description, the asterisks included.
TENCENT = {
    "secret_id": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******",
    "secret_key": "Gu5t9xGARNpq86cd98joQYCN3*******",
    "service": "cvm",
    "host": "cvm.tencentcloudapi.com",
}
TENCENT_BODY = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'


def test_aliyuns_example_has_its_published_signature():
    assert signature("GET", ALIYUN, "testSecret") == "zJDF+Lrzhj/ThnlvIToysFRq6t4="


def test_the_order_in_which_parameters_are_given_does_not_matter():
    turned = dict(reversed(ALIYUN.items()))
    assert signature("GET", turned, "testSecret") == "zJDF+Lrzhj/ThnlvIToysFRq6t4="


@pytest.mark.parametrize("name", sorted(ALIYUN))
def test_every_parameter_is_part_of_aliyuns_signature(name: str):
    changed = ALIYUN | {name: ALIYUN[name] + "~"}
    assert signature("GET", changed, "testSecret") != signature("GET", ALIYUN, "testSecret")
    assert signature("POST", ALIYUN, "testSecret") != signature("GET", ALIYUN, "testSecret")


def test_tencents_example_has_its_published_signature():
    header = authorization(**TENCENT, timestamp=1551113065, payload=TENCENT_BODY)
    assert header == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c"
    )


def test_the_day_of_tencents_signature_is_that_of_greenwich():
    # 2019-02-26 00:44 in Beijing.
    header = authorization(**TENCENT, timestamp=1551113065, payload=b"{}")
    assert "/2019-02-25/" in header


def test_secrets_do_not_print():
    configs = (
        replace(AliyunSMSConfig("id", "x", "签名"), access_key_secret="secret-text"),
        replace(TencentSMSConfig("id", "x", "1400", "签名"), secret_key="secret-text"),
    )
    assert "secret-text" not in repr(configs)
