"""Institutions, departments and doctors: recognised however written, and never guessed in silence."""

import pytest

from bots.understanding.reading import Reader
from bots.understanding.values import How, Mention, Problem, Slot, Understanding
from bots.understanding.vocabulary import DepartmentWords, OrganizationWords, PractitionerWords, Vocabulary
from tests.bots.understanding.city import NOW, city

READER = Reader(city())


def read(sentence: str) -> Understanding:
    return READER.read(sentence, NOW)


def only(mentions: tuple[Mention, ...]) -> Mention:
    (mention,) = mentions
    return mention


@pytest.mark.parametrize(
    ("sentence", "id", "how"),
    [
        ("健康市第二人民医院", "d2", How.EXACT),
        ("市二院", "d2", How.EXACT),
        ("第二医院", "d2", How.ALIAS),
        ("县医院", "kn", How.ALIAS),
        ("市妇幼保健院", "fy", How.ALIAS),
        ("社区医院", "cx", How.ALIAS),
        ("shizhongyiyuan", "zy", How.PINYIN),
        ("市种医院", "zy", How.PINYIN),
        ("健康市中易院", "zy", How.PINYIN),
        ("康宁县人民医元", "kn", How.PINYIN),
        ("康宁县人明医院", "kn", How.TYPO),
        ("健康市儿童医完", "et", How.TYPO),
        ("shi zhong yi yuann", "zy", How.TYPO),
        ("shi zhong yi yaun", "zy", How.TYPO),
    ],
)
def test_an_institution_is_found_however_it_is_written(sentence: str, id: str, how: How):
    mention = only(read(sentence).slots.organizations)
    assert (mention.ids, mention.how) == ((id,), how)


@pytest.mark.parametrize(
    ("sentence", "how"),
    [
        ("王建国", How.EXACT),
        ("wang jian guo", How.PINYIN),
        ("王健国医生", How.PINYIN),
        ("挂王剑过大夫", How.PINYIN),
        ("王建图医生", How.TYPO),
        ("wangjiango", How.TYPO),
        ("wjg", How.INITIALS),
    ],
)
def test_a_doctor_is_found_however_he_is_written(sentence: str, how: How):
    mention = only(read(sentence).slots.practitioners)
    assert (mention.ids, mention.how) == (("rm:王建国",), how)


def test_a_family_name_with_a_surname_reading_is_found_by_it():
    assert only(read("shanxiong").slots.practitioners).ids == ("zy:单雄",)
    assert only(read("lvxiaoyan").slots.practitioners).ids == ("fy:吕小燕",)
    assert only(read("luxiaoyan").slots.practitioners).ids == ("fy:吕小燕",)


def test_a_mistake_makes_a_name_less_than_certain():
    assert only(read("王建国").slots.practitioners).certain
    assert not only(read("王建图医生").slots.practitioners).certain
    assert not only(read("单医生").slots.practitioners).certain


def test_one_wrong_character_is_forgiven_and_two_are_not():
    assert only(read("泌吊外科").slots.departments).ids == ("rm.0404",)
    assert "rm.0404" not in {id for mention in read("泌吊内科").slots.departments for id in mention.ids}


def test_a_wrong_number_is_another_hospital():
    assert read("市一院").slots.organizations == ()
    found = read("健康市第三人民医院").slots.organizations
    assert "d2" not in {id for mention in found for id in mention.ids}


def test_several_hospitals_of_one_name_are_all_reported():
    understanding = read("人民医院")
    assert set(only(understanding.slots.organizations).ids) == {"rm", "kn"}
    (ambiguity,) = understanding.ambiguities
    assert ambiguity.slot is Slot.ORGANIZATION
    assert set(ambiguity.readings) == {"rm", "kn"}


def test_two_doctors_of_one_name_are_both_reported_until_the_hospital_is_said():
    assert set(only(read("张伟医生").slots.practitioners).ids) == {"rm:张伟", "kn:张伟"}
    assert only(read("康宁县医院张伟医生").slots.practitioners).ids == ("kn:张伟",)
    assert only(read("心内科张伟医生").slots.practitioners).ids == ("rm:张伟",)


def test_a_doctor_says_which_of_several_hospitals_is_meant():
    assert only(read("人民医院陈静").slots.organizations).ids == ("rm",)


def test_a_family_name_brings_everybody_of_that_name():
    mention = only(read("王医生").slots.practitioners)
    assert mention.how is How.SURNAME
    assert set(mention.ids) == {"rm:王丽华", "rm:王建国", "d2:王志强"}
    assert set(only(read("骨科王医生").slots.practitioners).ids) == {"rm:王建国", "d2:王志强"}
    assert only(read("欧阳医生").slots.practitioners).ids == ("et:欧阳娜",)


def test_the_end_of_a_longer_name_is_no_family_name():
    assert read("王静何医生").slots.practitioners == ()
    assert only(read("看看何医生").slots.practitioners).ids == ("lh:何安",)


def test_a_department_is_narrowed_to_the_hospital():
    assert only(read("市二院儿科").slots.departments).ids == ("d2.0700",)
    assert only(read("儿童医院的儿科").slots.departments).ids == ("et.0700",)
    assert only(read("市人民医院妇科").slots.departments).ids == ("rm.0500",)


def test_part_of_a_departments_name_brings_all_that_have_it_there():
    mention = only(read("市人民医院内科").slots.departments)
    assert mention.how is How.PARTIAL
    assert set(mention.ids) == {"rm.0301", "rm.0302", "rm.0303", "rm.0304"}


def test_what_a_hospital_does_not_have_is_told_and_where_it_is_stays():
    understanding = read("儿童医院骨科")
    assert Problem.NOT_OFFERED_THERE in understanding.problems
    assert set(only(understanding.slots.departments).ids) == {"rm.0403", "d2.0403", "kn.0403"}


def test_a_doctor_who_is_elsewhere_is_told():
    understanding = read("市中医院王建国医生")
    assert Problem.NOT_THERE in understanding.problems
    assert only(understanding.slots.practitioners).ids == ("rm:王建国",)


@pytest.mark.parametrize("sentence", ["肚子疼", "肚子有点疼", "胃不舒服", "拉肚子", "我肚子疼挂什么科"])
def test_a_complaint_suggests_and_names_nothing(sentence: str):
    understanding = read(sentence)
    assert understanding.slots.departments == ()
    suggestion = only(understanding.slots.suggestions)
    assert suggestion.how is How.COMPLAINT
    assert suggestion.ids == ("rm.0302",)
    assert not suggestion.certain


def test_a_complaint_says_nothing_more_once_a_department_is_named():
    understanding = read("肚子疼 挂皮肤科")
    assert understanding.slots.suggestions == ()
    assert {id.partition(".")[2] for id in only(understanding.slots.departments).ids} == {"1300"}


def test_the_longest_name_wins():
    assert only(read("口腔医院").slots.organizations).ids == ("kq",)
    assert read("口腔医院").slots.departments == ()
    assert only(read("小儿外科").slots.departments).ids == ("et.0800",)


def test_a_short_name_that_only_sounds_right_counts_beside_its_own_clinic():
    doctor = only(read("心血管 章卫 后天").slots.practitioners)
    assert doctor.ids == ("rm:张伟",)
    assert not doctor.certain
    alone = read("章卫 后天 去爬山")
    assert alone.slots.practitioners == ()
    assert "章卫" in alone.not_understood


def test_a_patient_of_a_doctors_name_is_not_the_doctor():
    assert read("我叫王建国 要挂骨科").slots.practitioners == ()
    assert read("就诊人陈静").slots.practitioners == ()


def test_a_short_name_that_goes_on_is_doubted():
    assert not only(read("高明月医生").slots.practitioners).certain


def test_a_doctor_called_like_an_everyday_word_is_meant_only_with_a_title():
    hospital = OrganizationWords("h", "某某医院")
    doctors = (PractitionerWords("d1", "h", "周一"), PractitionerWords("d2", "h", "方便"))
    reader = Reader(Vocabulary((hospital,), (DepartmentWords("h.1", "h", "骨科"),), doctors))
    assert reader.read("周一骨科 方便吗", NOW).slots.practitioners == ()
    assert only(reader.read("骨科周一医生", NOW).slots.practitioners).ids == ("d1",)


def test_an_empty_city_understands_days_and_commands():
    reader = Reader(Vocabulary())
    understanding = reader.read("明天上午市人民医院儿科王医生 erke", NOW)
    assert understanding.slots.days is not None
    assert str(understanding.slots.days.first) == "2026-11-20"
    assert understanding.slots.organizations == ()


@pytest.mark.parametrize(
    "said", ["省人民医院", "北京儿童医院", "四川省人民医院", "上海市第二人民医院", "省立中医院"]
)
def test_a_hospital_of_another_place_is_not_taken_for_ours(said: str):
    found = read(f"{said}皮肤科明天")
    assert found.slots.organizations == ()
    assert Problem.ELSEWHERE in found.problems


def test_a_name_in_letters_is_found_behind_other_letters():
    assert only(read("挂hao yanke 明天").slots.departments).ids == ("rm.1000", "d2.1000")


def test_a_hospital_named_with_our_own_city_is_ours():
    known = (OrganizationWords("et", "大学附属儿童医院", "儿童医院"),)
    (place,) = (
        Reader(Vocabulary(known, (), (), (), "苏州市")).read("苏州儿童医院明天", NOW).slots.organizations
    )
    assert place.ids == ("et",)


@pytest.mark.parametrize("said", ["第三人民医院儿科明天", "明天三院儿科", "市第五医院"])
def test_a_numbered_hospital_that_is_none_of_ours_is_said_to_be_none(said: str):
    found = read(said)
    assert (found.slots.organizations, found.intent) == ((), "book")
    assert Problem.ELSEWHERE in found.problems


@pytest.mark.parametrize("said", ["市二院儿科", "第二人民医院外科", "二院明天", "一院区儿科", "住院部在哪"])
def test_what_is_ours_or_no_hospital_is_not(said: str):
    assert Problem.ELSEWHERE not in read(said).problems
