"""What is wanted: command words, answers, and what wins when several things are said."""

from datetime import UTC, datetime

import pytest

from bots.understanding.reading import Reader
from bots.understanding.values import Days, HalfDay, Intent, Problem, Slot, Understanding
from tests.bots.understanding.city import NOW, city

READER = Reader(city())


def read(sentence: str, now: datetime = NOW) -> Understanding:
    return READER.read(sentence, now)


def first_of(days: Days | None) -> str:
    return str(days.first) if days else ""


@pytest.mark.parametrize(
    "word", ["T", "TD", "R", "N", "t", "Td", "ＴＤ", " T ", "退订", "拒收", "退訂", "退订。", "回复TD"]
)
def test_every_way_to_opt_out_is_one(word: str):
    assert read(word).intent is Intent.OPT_OUT


@pytest.mark.parametrize(
    "sentence",
    [
        "不要再给我发短信了",
        "别再发了",
        "我不想再收短信",
        "退订短信谢谢",
        "老是发短信，别发了",
        "我要退订",
        "取消订阅",
    ],
)
def test_opting_out_in_a_sentence_is_understood(sentence: str):
    assert read(sentence).intent is Intent.OPT_OUT


@pytest.mark.parametrize(
    "sentence", ["取消退订", "恢复订阅", "我又想收短信了", "重新给我发通知吧", "开通短信"]
)
def test_opting_in_again_is_understood(sentence: str):
    assert read(sentence).intent is Intent.OPT_IN


@pytest.mark.parametrize("sentence", ["T恤", "TCT检查在哪", "NT检查", "R医生", "CT"])
def test_a_letter_inside_something_else_does_not_opt_out(sentence: str):
    assert read(sentence).intent is not Intent.OPT_OUT


@pytest.mark.parametrize(
    ("word", "intent"),
    [("帮助", Intent.HELP), ("返回", Intent.BACK), ("退出", Intent.QUIT), ("人工", Intent.HUMAN)],
)
@pytest.mark.parametrize(
    "around", ["{}", "{}！", "明天儿科 {}", "{} 取消预约", "我要{}", "请{}吧谢谢", "不要候补 {}"]
)
def test_the_command_words_always_win(word: str, intent: Intent, around: str):
    assert read(around.format(word)).intent is intent


@pytest.mark.parametrize(
    "sentence", ["人工耳蜗", "人工流产挂什么科", "做人工授精", "换人工关节", "种植牙和人工牙"]
)
def test_treatments_called_artificial_do_not_ask_for_a_person(sentence: str):
    assert read(sentence).intent is not Intent.HUMAN


@pytest.mark.parametrize("sentence", ["不要取消", "别取消", "先不取消", "不改期了", "别给我退号"])
def test_what_is_not_to_be_done_is_not_done(sentence: str):
    assert read(sentence).intent not in (Intent.CANCEL, Intent.RESCHEDULE)


def test_proposing_to_cancel_is_asking_for_it():
    assert read("要不取消吧").intent is Intent.CANCEL
    assert read("能不能取消").intent is Intent.CANCEL


@pytest.mark.parametrize("sentence", ["取消了吗", "我的号取消成功没", "已经取消了没有"])
def test_asking_whether_it_was_cancelled_cancels_nothing(sentence: str):
    assert read(sentence).intent is Intent.MY_APPOINTMENTS


def test_moving_an_appointment_takes_the_last_day_and_remembers_the_first():
    understanding = read("周五的改到下周一上午")
    assert understanding.intent is Intent.RESCHEDULE
    assert first_of(understanding.slots.days) == "2026-11-23"
    assert first_of(understanding.slots.moved_from) == "2026-11-20"


def test_other_things_wanted_are_told_too():
    understanding = read("取消明天的，再帮我查一下报告")
    assert understanding.intent is Intent.CANCEL
    assert Intent.REPORTS in understanding.other_intents


def test_an_answer_that_says_more_is_told_as_an_answer_too():
    assert Intent.YES in read("确认取消").other_intents
    assert Intent.NO in read("不是，改到周五").other_intents
    assert read("不是，改到周五").intent is Intent.RESCHEDULE


def test_satisfaction_is_found_among_other_words():
    assert read("医生很耐心，护士也好，非常满意").slots.rating == 5
    assert read("不太满意，等太久了").slots.rating == 2
    assert read("很不满意，太慢").slots.rating == 1


def test_a_place_in_a_list_among_other_words_is_a_choice():
    understanding = read("上面第二个医生")
    assert understanding.intent is Intent.CHOICE
    assert understanding.slots.ordinal == 2


@pytest.mark.parametrize(
    "sentence", ["不要上午", "除了上午都行", "上午不行", "不是上午是下午", "要下午，不要上午"]
)
def test_what_is_ruled_out_fills_no_slot(sentence: str):
    understanding = read("市二院骨科 " + sentence)
    assert understanding.slots.half_day is not HalfDay.MORNING
    assert Problem.RULED_OUT in understanding.problems


def test_what_is_meant_instead_is_taken():
    assert first_of(read("不是明天是后天").slots.days) == "2026-11-21"
    assert first_of(read("周三不行 周五可以").slots.days) == "2026-11-20"
    (department,) = read("我要的是眼科，不是口腔科").slots.departments
    assert {id.partition(".")[2] for id in department.ids} == {"1000"}


def test_the_day_given_up_is_not_ruled_out():
    assert first_of(read("周五没空，取消吧").slots.days) == "2026-11-20"
    moved = read("周五不行，改周六").slots
    assert (first_of(moved.moved_from), first_of(moved.days)) == ("2026-11-20", "2026-11-21")


@pytest.mark.parametrize("sentence", ["取消2", "取消 2", "2 取消", "取消第二个", "取消第2个"])
def test_a_number_with_a_command_is_its_place_in_the_list(sentence: str):
    understanding = read(sentence)
    assert understanding.intent is Intent.CANCEL
    assert understanding.slots.ordinal == 2


@pytest.mark.parametrize("sentence", ["要不要上午", "是不是上午", "明天上午行不行"])
def test_asking_whether_rules_nothing_out(sentence: str):
    assert read(sentence).slots.half_day is HalfDay.MORNING


def test_until_and_from_a_day_are_ranges():
    until, onwards = read("下周三之前的眼科").slots.days, read("25号以后的眼科").slots.days
    assert until is not None
    assert onwards is not None
    assert (str(until.first), str(until.last)) == ("2026-11-19", "2026-11-25")
    assert (str(onwards.first), str(onwards.last)) == ("2026-11-25", "2026-12-01")


def test_what_was_booked_is_asked_with_its_day():
    assert read("我明天的预约几点").intent is Intent.MY_APPOINTMENTS
    assert read("我明天挂的哪个科").intent is Intent.MY_APPOINTMENTS
    assert read("我想要明天的预约").intent is Intent.BOOK


def test_cancelling_a_place_in_the_queue_does_not_join_it():
    assert read("取消候补").intent is Intent.CANCEL
    assert read("候补").intent is Intent.WAITLIST


def test_a_book_without_the_word_is_less_sure_than_one_with_it():
    assert read("儿科").intent is Intent.BOOK
    assert read("儿科").confidence < read("挂儿科").confidence


def test_a_number_with_号_may_be_a_day():
    understanding = read("2号")
    assert understanding.intent is Intent.CHOICE
    (ambiguity,) = understanding.ambiguities
    assert ambiguity.slot is Slot.ORDINAL
    assert ambiguity.readings == ("2", "2026-12-02")


@pytest.mark.parametrize("sentence", ["1 2", "1和2", "1或2", "0", "12345678901", "370799199001011234"])
def test_two_numbers_or_a_long_one_choose_nothing(sentence: str):
    assert read(sentence).intent is not Intent.CHOICE


def test_two_days_are_reported_and_none_is_taken():
    understanding = read("周三或者周五的骨科")
    assert understanding.slots.days is None
    (days,) = [found for found in understanding.ambiguities if found.slot is Slot.DAYS]
    assert days.readings == ("2026-11-25", "2026-11-20")


def test_today_by_its_weekday_is_reported_as_two_readings():
    (days,) = [found for found in read("周四骨科王建国").ambiguities if found.slot is Slot.DAYS]
    assert days.readings == ("2026-11-19", "2026-11-26")


def test_both_halves_of_a_day_are_reported():
    understanding = read("明天上午或者下午 市二院骨科")
    assert understanding.slots.half_day is None
    assert [found.slot for found in understanding.ambiguities] == [Slot.HALF_DAY]


def test_a_day_that_is_over_is_refused_for_a_booking_and_kept_for_a_report():
    booking, report = read("昨天的儿科"), read("昨天的化验单")
    assert booking.problems == (Problem.PAST,)
    assert booking.slots.days is None
    assert report.problems == ()
    assert first_of(report.slots.days) == "2026-11-18"


def test_a_part_of_today_that_is_over_is_refused():
    afternoon = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
    assert Problem.PAST in read("今天上午儿科", afternoon).problems
    assert Problem.PAST not in read("今天下午儿科", afternoon).problems
    assert Problem.PAST in read("今天两点的儿科", afternoon).problems


def test_today_is_the_citys_day_not_the_servers():
    just_after_midnight = datetime(2026, 11, 19, 16, 30, tzinfo=UTC)
    assert first_of(read("今天", just_after_midnight).slots.days) == "2026-11-20"


def test_what_was_not_understood_is_told():
    assert read("明天儿科 骑着大象").not_understood == ("骑着大象",)
    assert read("您好，麻烦帮我挂个明天上午市二院的儿科号，谢谢啦").not_understood == ()


def test_a_text_longer_than_is_read_says_so():
    understanding = read("明天儿科" + "，" + "说来话长" * 200)
    assert Problem.TOO_LONG in understanding.problems
    assert first_of(understanding.slots.days) == "2026-11-20"


@pytest.mark.parametrize("sentence", ["", " ", "。。。", "\n", "\u200b", "😀"])
def test_nothing_said_is_nothing_understood(sentence: str):
    assert read(sentence).intent is Intent.UNKNOWN


def test_our_own_words_are_recognised_by_sound():
    understanding = read("取小")
    assert understanding.intent is Intent.CANCEL
    assert understanding.confidence < read("取消").confidence


def test_what_was_written_never_shows_where_a_reading_is_logged():
    understanding = read("我叫欧阳大山 明天挂王建国医生 住在柳河镇18号")
    assert understanding.not_understood
    for written in ("欧阳大山", "柳河", "明天", "王建国医生"):
        assert written not in repr(understanding).replace("rm:王建国", "")


@pytest.mark.parametrize("sentence", ["不取消了", "不改了", "不用改了", "先不退号了"])
def test_what_is_not_to_be_done_any_more_is_a_no(sentence: str):
    assert read(sentence).intent is Intent.NO


@pytest.mark.parametrize(
    "sentence", ["明天的还在吗", "我的号还在吗", "我明天的号还在不在", "预约还有效吗", "我约的还算数不"]
)
def test_whether_it_still_stands_is_asked_of_ones_own_appointment(sentence: str):
    assert read(sentence).intent is Intent.MY_APPOINTMENTS


@pytest.mark.parametrize(
    "sentence", ["明天的号还有吗", "明天儿科的还有没有", "陈医生还在吗", "市人民医院还在吗"]
)
def test_what_is_free_and_who_is_there_is_not(sentence: str):
    assert read(sentence).intent is Intent.BOOK
