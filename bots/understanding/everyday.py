"""What residents call the clinics, and which clinics commonly see a complaint.

A name (看牙) stands for the department. A complaint (肚子疼) never does: it becomes a suggestion that a
person must confirm, because what is wrong is for a doctor to say.
"""

from __future__ import annotations


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """Lines `subjects: words`; an indented line goes on."""
    lines = text.replace("\n    ", " ").strip().splitlines()
    return {codes: tuple(words.split()) for codes, _, words in (line.partition(":") for line in lines)}


def _by_word(text: str) -> dict[str, tuple[str, ...]]:
    return {word: tuple(codes.split("+")) for codes, words in _table(text).items() for word in words}


# National subject: names in daily use that the city's own list need not repeat.
EVERYDAY_NAMES = _table("""
0100: 打疫苗 打预防针 预防针 预防接种 接种门诊 疫苗门诊 种疫苗
0200: 全科门诊 社区门诊 家庭医生
0301: 呼吸门诊 看肺 肺科
0302: 肠胃科 胃肠科 胃科 看胃 胃镜 肠镜 消化门诊
0303: 神内
0304: 心内 心脏科 看心脏 心脏内科 心血管科
0306: 肾科 看肾
0307: 糖尿病门诊 甲状腺科 看甲状腺
0401: 普外 外科门诊
0403: 骨伤科 骨外科 看骨头 骨头科
0404: 泌外 男科 看前列腺
0500: 妇科 产科 看妇科 妇产
0501: 看妇科 妇科门诊
0502: 看产科 产检门诊 建档 孕妇检查
0505: 生殖科 试管 试管婴儿 不孕门诊
0700: 小孩看病 孩子看病 看小孩 看孩子 娃看病 宝宝看病 小孩科 儿童科 儿童门诊 儿科门诊 给孩子看病
0701: 新生儿 看黄疸
0900: 儿保科 儿童体检 宝宝体检
1000: 看眼睛 看眼 眼睛科 配眼镜 验光 眼科门诊
1100: 耳鼻喉科 看鼻子 看耳朵 看嗓子 耳朵科 鼻子科
1200: 看牙 牙医 牙齿 补牙 洗牙 拔牙 看牙齿 牙齿科 口腔门诊 口腔 种牙
1203: 矫正牙齿 整牙 箍牙 正畸
1300: 看皮肤 皮肤门诊 皮肤 皮科
1506: 心理科 心理门诊 看心理 睡眠门诊 心理医生
2000: 急诊科 急诊室 看急诊
2100: 康复科
5000: 中医科 看中医 老中医 国医堂
5010: 正骨 骨伤
5011: 肛肠科 肛肠 痔疮科
5013: 扎针 扎针灸 针灸
5014: 推拿 按摩
""")

# What hurts: a body part, then what is the matter with it.
ACHES = (
    "(?:[咔嗡嘎隐跳一突阵]{1,2}地?)?(?:有点|有些|特别|总是?|老是?|一直|很|好|太|也|都|又|不太)?"
    "(?:疼|痛|酸|胀|难受|不舒服|不得劲|发炎|得慌|痒|瘙痒|肿|麻|哑|嗡嗡|响|堵|干|涩|流血|出血|流脓|流泪|起泡|闷|憋|(?:看东西)?模糊|里?(?:进|有)(?:了)?(?:东西|沙子?|虫子?)|"
    "松动|有毛病|走不动|抽筋|僵|冒痘|长东西)"
)
BODY_PARTS = _by_word("""
0302: 肚子 肚 胃 肠子 腹
0302+0500: 小肚子
0303: 头 脑袋 脑壳
0304: 胸口 胸 心口 心脏 心
0403: 腰 腿 膝盖 脖子 颈椎 肩膀 后背 胳膊 关节 脚 手腕 骨头
1200: 牙 牙齿 牙龈
1000: 眼睛 眼
1100: 耳朵 鼻子 嗓子 喉咙 咽喉
1300: 皮肤 身上
0401: 乳房 奶
""")

COMPLAINTS = _by_word("""
0302: 拉肚子 腹泻 便秘 反酸 胃炎 恶心 呕吐
0303: 头痛 头晕 头昏 手麻 中风 抽筋 脑病
0301: 咳嗽 咳 哮喘 气喘 喘不上气 感冒 发烧 发热 肺炎 肺病
0304: 胸闷 心慌 心悸 高血压 血压高
0307: 糖尿病 血糖高 甲亢
0403: 骨折 崴脚 脚崴了 崴了 扭了 崴了脚 扭伤 摔了 腰间盘突出
0404: 尿频 尿血 结石
0501+0500: 月经不调 痛经 白带
0502+0500: 怀孕 孕吐 怀上了
1000: 看不清 近视 白内障 眼花 红眼
1100: 鼻炎 流鼻血 鼻塞 耳鸣 听不清 扁桃体
1200: 蛀牙 虫牙 长智齿 智齿
1300: 湿疹 荨麻疹 起疹子 长痘 青春痘 脱发 掉头发 过敏 脚气 起疙瘩
1506+0303: 失眠 睡不着
1506: 抑郁 焦虑
5011: 痔疮
5011+0302: 便血
0407+0400: 烫伤
1605+2000: 狗咬
1603: 肝病
1700: 肺结核
""")

# Who is ill decides first: a child is seen by the paediatrician.
CHILD = "(?:孩子|小孩|宝宝|娃儿?|孙子|孙女|外孙|儿子|女儿|闺女|小朋友|婴儿|宝贝|小子|丫头|细路|伢)"
CHILD_CODES = ("0700",)
