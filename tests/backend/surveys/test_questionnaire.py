"""Asking in order: branches, scores, alarms, and what holds of every questionnaire."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.surveys.answering import (
    NoAnswerError,
    check_answer,
    hint_for,
    pack,
    read_answer,
    unpack,
    wording,
)
from backend.surveys.questionnaire import (
    Condition,
    Kind,
    Operator,
    Option,
    Question,
    Questionnaire,
    Value,
    alarms,
    is_bad,
    next_question,
    problems,
    relevant,
    score,
    visible,
)

TODAY = date(2026, 11, 22)
MOOD = tuple(
    Option(value, text, Decimal(points))
    for value, text, points in (("5", "非常满意", 5), ("4", "满意", 4), ("3", "一般", 3), ("1", "不满意", 1))
)
WOUND = (Option("none", "没有"), Option("red", "发红"), Option("pus", "流脓", alarm=True))
VISIT = Questionnaire(
    "门诊满意度",
    (
        Question("overall", Kind.CHOICE, "您对这次就诊满意吗？", required=True, options=MOOD),
        Question(
            "why",
            Kind.MULTIPLE,
            "哪里做得不好？",
            options=(Option("wait", "等候太久"), Option("talk", "态度不好"), Option("price", "收费不清")),
            show_if=(Condition("overall", Operator.EQUAL, "1"),),
        ),
        Question(
            "pain",
            Kind.SCALE,
            "现在有多疼？",
            minimum=Decimal(0),
            maximum=Decimal(10),
            scored=True,
            reversed=True,
            low_label="不疼",
            high_label="最疼",
        ),
        Question("wound", Kind.CHOICE, "伤口怎么样？", options=WOUND),
        Question("fever", Kind.NUMBER, "体温多少度？", minimum=Decimal(34), maximum=Decimal(43)),
        Question(
            "since",
            Kind.DATE,
            "从哪天开始的？",
            show_if=(Condition("fever", Operator.AT_LEAST, "37.5"),),
        ),
        Question("words", Kind.TEXT, "还有什么想说的？", longest=50),
    ),
    alarm_below=60,
)


def ask_all(questionnaire: Questionnaire, said: dict[str, str]) -> tuple[list[str], dict[str, Value]]:
    """The questions in the order they are asked, and the answers."""
    answers: dict[str, Value] = {}
    asked = []
    while (question := next_question(questionnaire, answers)) is not None:
        asked.append(question.id)
        answers[question.id] = read_answer(question, said.get(question.id, "跳过"), today=TODAY)
    return asked, answers


def test_a_question_that_depends_on_another_is_asked_only_then():
    content, _ = ask_all(VISIT, {"overall": "1"})
    assert content == ["overall", "pain", "wound", "fever", "words"]
    annoyed, answers = ask_all(VISIT, {"overall": "不满意", "why": "13", "fever": "38.2度", "since": "昨天"})
    assert annoyed == ["overall", "why", "pain", "wound", "fever", "since", "words"]
    assert answers["why"] == ("wait", "price")
    assert (answers["fever"], answers["since"]) == (Decimal("38.2"), "2026-11-21")


def test_an_answer_to_a_question_that_is_no_longer_shown_counts_for_nothing():
    _, answers = ask_all(VISIT, {"overall": "4", "why": "1"})
    changed = {**answers, "overall": "5"}
    assert "why" not in relevant(VISIT, changed)
    assert [question.id for question in visible(VISIT, changed)].count("why") == 0


def test_the_score_is_a_share_of_what_was_to_be_had():
    heard: list[tuple[dict[str, Value], int]] = [
        ({"overall": "5"}, 100),
        ({"overall": "1"}, 0),
        ({"overall": "5", "pain": 10}, 29),
    ]
    for answers, percent in heard:
        scored = score(VISIT, answers)
        assert scored is not None
        assert scored.percent == percent
    assert score(VISIT, {"overall": None, "words": "好"}) is None
    assert is_bad(VISIT, score(VISIT, {"overall": "1"}))
    assert not is_bad(VISIT, score(VISIT, {"overall": "4"}))


def test_an_option_may_ask_for_a_call_whatever_the_score():
    assert alarms(VISIT, {"overall": "5", "wound": "pus"}) == ["wound"]
    assert alarms(VISIT, {"overall": "5", "wound": "red"}) == []


@pytest.mark.parametrize(
    ("question_id", "said", "value"),
    [
        ("overall", "1", "5"), ("overall", "４", "1"),
        ("overall", "非常满意", "5"), ("overall", "我满意", "4"),
        ("overall", "不满意！", "1"), ("overall", "选2", "4"),
        ("overall", "第三个", "3"), ("overall", "B", "4"),
        ("overall", "一般吧", "3"), ("why", "1,3", ("wait", "price")), ("why", "3 1", ("wait", "price")),
        ("why", "等候太久、收费不清", ("wait", "price")), ("why", "都没有", None), ("why", "跳过", None),
        ("pain", "8分", 8), ("pain", "三", 3),
        ("fever", "36.5", Decimal("36.5")), ("fever", "体温37度", Decimal(37)),
        ("since", "11月2日", "2026-11-02"),
        ("since", "2026年1月5日", "2026-01-05"), ("since", "12-30", "2026-12-30"),
        ("words", " 医生很耐心。 ", "医生很耐心。"),
    ],
)  # fmt: skip
def test_digits_and_words_are_understood(question_id: str, said: str, value: Value):
    question = VISIT.question(question_id)
    assert question is not None
    assert read_answer(question, said, today=TODAY) == value


def test_blanks_answer_no_question_and_least_of_all_one_that_needs_an_answer():
    words = VISIT.question("words")
    assert words is not None
    assert check_answer(words, " \n") is None
    with pytest.raises(NoAnswerError):
        check_answer(replace(words, required=True), " \n")


@pytest.mark.parametrize(
    ("question_id", "said"),
    [
        ("overall", "0"), ("overall", "9"), ("overall", "不太满意呢"), ("overall", "跳过"), ("overall", ""),
        ("overall", "满意 一般"), ("why", "1,9"), ("why", "贵"),
        ("pain", "11"), ("pain", "-1"), ("pain", "5.5"),
        ("pain", "3或4"), ("fever", "99"), ("fever", "热"), ("fever", "1" * 40), ("since", "13月40日"),
        ("since", "上次"), ("words", "长" * 51),
    ],
)  # fmt: skip
def test_what_answers_nothing_gets_a_hint_that_does_not_repeat_it(question_id: str, said: str):
    question = VISIT.question(question_id)
    assert question is not None
    with pytest.raises(NoAnswerError) as refused:
        read_answer(question, said, today=TODAY)
    assert hint_for(question) in refused.value.hint


def test_a_questionnaire_that_cannot_be_asked_says_why():
    wrong = Questionnaire(
        "",
        (
            Question("a", Kind.CHOICE, "一？", options=(Option("1", "好"),)),
            Question("a", Kind.SCALE, "", show_if=(Condition("later", Operator.EXISTS, "true"),)),
            Question("later", Kind.NUMBER, "二？", minimum=Decimal(3), maximum=Decimal(1)),
        ),
    )
    found = "".join(problems(wrong))
    for said in ("名称", "两个选项", "编号重复", "填写题目", "最低分", "前面的题目", "小于最大值"):
        assert said in found
    assert problems(VISIT) == []
    assert problems(Questionnaire("空", ())) == ["至少要有一道题。"]


def test_a_scale_says_what_its_ends_mean():
    pain = VISIT.question("pain")
    assert pain is not None
    assert wording(pain) == "现在有多疼？（0分不疼，10分最疼）"


# What holds of every questionnaire and everything that is said to it.

NAMES = ("q0", "q1", "q2", "q3", "q4", "q5")


@st.composite
def questionnaires(draw: st.DrawFn) -> Questionnaire:
    made: list[Question] = []
    for name in NAMES[: draw(st.integers(1, len(NAMES)))]:
        kind = draw(st.sampled_from([*Kind]))
        options = tuple(
            Option(str(n), f"选项{n}", draw(st.none() | st.integers(-3, 5).map(Decimal)), draw(st.booleans()))
            for n in range(draw(st.integers(2, 5)))
        )
        conditions = tuple(
            Condition(
                earlier.id,
                draw(st.sampled_from([*Operator])),
                draw(st.sampled_from(["0", "1", "true", "2.5"])),
            )
            for earlier in made
            if draw(st.integers(0, 3)) == 0
        )
        parent = draw(st.none() | st.sampled_from([q.id for q in made])) if made else None
        made.append(
            Question(
                name, kind, "问", options=options if kind in (Kind.CHOICE, Kind.MULTIPLE) else (),
                minimum=Decimal(0), maximum=Decimal(draw(st.integers(1, 10))), scored=draw(st.booleans()),
                reversed=draw(st.booleans()), required=draw(st.booleans()), show_if=conditions,
                show_if_any=draw(st.booleans()), parent=parent,
            )
        )  # fmt: skip
    return Questionnaire("任意", tuple(made))


SAID = st.sampled_from(["1", "2", "0", "12", "1,2", "跳过", "昨天", "选项1", "好的", "3.5", ""]) | st.text(
    max_size=8
)


@given(questionnaires(), st.data())
def test_asking_always_ends_and_never_asks_twice_or_what_is_hidden(
    questionnaire: Questionnaire, data: st.DataObject
):
    answers: dict[str, Value] = {}
    asked: list[str] = []
    for _ in range(60):
        question = next_question(questionnaire, answers)
        if question is None:
            break
        assert question in visible(questionnaire, answers)
        try:
            answers[question.id] = read_answer(question, data.draw(SAID), today=TODAY)
        except NoAnswerError:
            # Whoever never answers is asked the same again; here the answer is given in the end.
            answers[question.id] = None
        asked.append(question.id)
    assert next_question(questionnaire, answers) is None
    assert len(asked) == len(set(asked)) <= len(questionnaire.questions)
    assert relevant(questionnaire, relevant(questionnaire, answers)) == relevant(questionnaire, answers)


@given(questionnaires(), st.data())
def test_a_score_lies_between_nothing_and_everything(questionnaire: Questionnaire, data: st.DataObject):
    answers: dict[str, Value] = {}
    for question in questionnaire.questions:
        try:
            answers[question.id] = read_answer(question, data.draw(SAID), today=TODAY)
        except NoAnswerError:
            continue
    found = score(questionnaire, answers)
    assert found is None or (found.least <= found.points <= found.most and 0 <= found.percent <= 100)
    assert score(questionnaire, relevant(questionnaire, answers)) == found


@given(questionnaires(), st.data())
def test_what_was_understood_is_an_answer_and_is_kept_as_it_was(
    questionnaire: Questionnaire, data: st.DataObject
):
    for question in questionnaire.questions:
        try:
            value = read_answer(question, data.draw(st.text(max_size=30) | SAID), today=TODAY)
        except NoAnswerError:
            continue
        assert check_answer(question, value) == value
        assert unpack(pack({question.id: value})) == {question.id: value}
