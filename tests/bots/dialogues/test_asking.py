"""What a resident asks the bot: codes, bills, reports, the queue, the way, opening hours."""

from backend.conversations.models import Through
from backend.permissions import Actor
from bots import words
from bots.dialogues import all_dialogues
from bots.dialogues.courtesy import NOT_AT_ALL, WELCOME
from bots.dialogues.opt_out import STRANGER
from bots.understanding.values import Intent
from tests.bots.dialogues.steps import HERE, book, open_soon
from tests.factories.records import make_chart, make_report
from tests.support.city import TestCity
from tests.support.talk import APP, open_talk


async def test_the_health_code_is_a_page_to_show_in_wechat_and_one_to_print_by_sms(city: TestCity):
    who = await city.resident()
    wechat, sms = await open_talk(city, who), await open_talk(city, who, through=Through.SMS)
    await wechat.says("健康码").hears(f"{APP}/#/pages/code/show/index")
    await sms.says("健康码").hears("打印", f"{APP}/#/pages/code/printed/index")


async def test_reports_are_a_page_in_wechat_and_nothing_of_them_goes_by_sms(city: TestCity):
    who, services = await city.resident(), city.city.services
    wechat, sms = await open_talk(city, who), await open_talk(city, who, through=Through.SMS)
    page = f"{APP}/#/pages/reports/list/index"
    await wechat.says("我的化验单出来了吗").hears("目前没有查到您的检查、检验报告")
    chart = await make_chart(services, city.hospital.id, name=who.name, id_number=who.id_number)
    await make_report(services, chart, [], title="乙肝五项")
    said = await wechat.says("我的化验单出来了吗").hears("最近一份是9月14日", city.hospital.name, page)
    by_sms = await sms.says("我的化验单出来了吗").hears("不通过短信发送", page)
    assert not any(word in f"{said}{by_sms}" for word in ("乙肝", "9月13日"))
    assert "9月14日" not in str(by_sms)


async def test_nothing_owed_is_said_and_what_is_not_known_here(city: TestCity):
    talk = await open_talk(city, await city.resident(), through=Through.SMS)
    await talk.says("我还欠多少钱").hears("没有要付的挂号费", "药费", "到就诊医院")


async def test_the_place_in_the_queue_is_what_the_booking_says_until_the_first_call(city: TestCity):
    first, who = await city.resident(), await city.resident()
    await city.schedule(days=1)
    await open_soon(city)
    talk, other = await open_talk(city, who), await open_talk(city, first)
    await talk.says("前面还有几个人").hears("您今天没有预约")
    await book(talk, "明天")
    await talk.says("排到几号了").hears("您今天没有预约", "最近的预约", "明天")
    await book(other, "今天")
    await book(talk, "今天")
    said = talk.says("该我了没")
    await said.hears("您是2号", "门诊楼二楼", "前面约出1个号", "还没有开始叫号")


async def test_the_way_to_what_was_named(city: TestCity):
    talk = await open_talk(city, through=Through.SMS)
    await talk.says("市人民医院怎么走").hears("健康城市人民医院", "地址：健康路1号", "电话：没有登记")
    await talk.says("市人民医院骨科在几楼").hears("地址：健康路1号", "骨科：外科楼三楼")
    await talk.says("怎么坐车").hears("您要去哪家医院", "1. 健康城市")
    await talk.says("不知道").hears("医院名称")
    await talk.says("中医院").hears("健康城市中医院", "地址：没有登记", "0536-8000000")
    await talk.says("儿科在哪").hears("您要去哪家医院", "1. ", "2. ")
    await talk.says("2").hears("地址：")


async def test_the_way_to_the_next_appointment_needs_no_name(city: TestCity):
    await city.schedule()
    talk = await open_talk(city, await city.resident())
    await book(talk, "明天")
    await talk.says("怎么去").hears("最近的预约", "明天", "健康路1号", "门诊楼二楼")


async def test_opening_hours_are_those_of_published_sessions(city: TestCity):
    await city.schedule(period="am", slots=6)
    talk = await open_talk(city, through=Through.SMS)
    await talk.says("明天市人民医院几点开门").hears("健康城市人民医院", "明天", "上午08:05-08:35", "咨询医院")
    await talk.says("市人民医院儿科后天上班吗").hears("健康城市人民医院 儿科", "后天", "没有放号")
    await talk.says("几点上班").hears("您要去哪家医院")
    await talk.says("市中医院").hears("健康城市中医院", "没有放号", "0536-8000000")


async def test_something_else_said_clearly_leaves_a_question_behind(city: TestCity):
    await city.schedule()
    talk = await open_talk(city, await city.resident())
    await talk.says(f"明天{HERE}").hears("请选择")
    await talk.says("我的账单").hears("没有要付的挂号费")
    assert "预约挂号" in await talk.says("1")


async def test_messages_are_stopped_at_once_and_sent_again(city: TestCity):
    who = await city.resident()
    talk = await open_talk(city, who, through=Through.SMS)
    messages, actor = city.city.services.messages, Actor("resident", who.id)
    await talk.says("退订回访短信").hears("已停发回访短信", "验证码不受影响", "恢复短信")
    assert [str(each.group) for each in await messages.list_optouts(actor)] == ["surveys"]
    await talk.says("别再给我发短信了").hears("就诊通知", "就诊提醒", "回访")
    assert len(await messages.list_optouts(actor)) == 3
    await talk.says("恢复短信").hears("已恢复")
    assert await messages.list_optouts(actor) == []
    await talk.says("恢复短信").hears("没有停发")
    stranger = await open_talk(city, through=Through.SMS)
    assert await stranger.says("停止发送") == STRANGER


async def test_good_manners_do_not_lose_a_question(city: TestCity):
    await city.schedule()
    talk = await open_talk(city, await city.resident())
    assert await talk.says("你好") == WELCOME
    await talk.says(f"明天{HERE}").hears("请选择")
    await talk.says("谢谢").hears("序号")
    await talk.says("1").hears("确认预约")
    await talk.says("退出")
    assert await talk.says("谢谢") == NOT_AT_ALL


async def test_help_names_what_can_be_done(city: TestCity):
    talk = await open_talk(city)
    titles = [dialogue.title for dialogue in all_dialogues(APP) if dialogue.title]
    await talk.says("帮助").hears(*titles)
    assert await talk.says("退出") == words.GOODBYE


def test_every_service_a_sentence_can_ask_for_has_a_dialogue():
    answered = {intent for dialogue in all_dialogues(APP) for intent in dialogue.intents}
    by_the_engine = {Intent.HELP, Intent.BACK, Intent.QUIT, Intent.HUMAN, Intent.MORE}
    answers = {Intent.CHOICE, Intent.YES, Intent.NO, Intent.SURVEY_ANSWER, Intent.UNKNOWN}
    assert set(Intent) - by_the_engine - answers - answered == set()


def test_an_intent_begins_one_dialogue():
    begun = [intent for dialogue in all_dialogues(APP) for intent in dialogue.intents]
    assert len(begun) == len(set(begun))
