"""The words of `reviews`. Opinions are (negative, positive), as the labels 0 and 1 are."""

EN_ASPECTS = (
    "acting", "plot", "music", "ending", "dialogue", "camera work", "editing", "story", "humour",
    "script", "pacing", "lighting", "direction", "lead role", "opening", "soundtrack", "cast",
    "production", "first half", "second half",
)  # fmt: skip
EN_OPINIONS = (
    (
        "dull", "boring", "clumsy", "weak", "awful", "predictable", "flat", "tedious", "messy",
        "disappointing", "shallow", "bad", "lifeless", "annoying", "poor", "terrible", "forgettable",
        "tiresome", "bland", "confusing",
    ),
    (
        "brilliant", "moving", "funny", "clever", "good", "gripping", "beautiful", "charming",
        "fresh", "impressive", "superb", "touching", "witty", "great", "lovely", "excellent",
        "memorable", "exciting", "elegant", "convincing",
    ),
)  # fmt: skip
EN_NEGATIONS = (
    "*not*", "*not* really", "*not* at all", "*never*", "*hardly*", "by *no* means", "*not* even",
)  # fmt: skip
EN_STRESS = ("", "", "really ", "very ", "quite ", "rather ", "truly ")
EN_PEOPLE = (
    "My brother had called it", "A friend told me it was", "The poster promised something",
    "Some critics find it", "My neighbour expected something", "The trailer made it look",
)  # fmt: skip
EN_FILLERS = (
    "I watched it on a rainy Tuesday.", "We saw it with the whole family.",
    "It runs for about two hours.", "I had bought the tickets in advance.",
    "The cinema was half full.", "It is based on a novel.", "It was shown with subtitles.",
    "I saw it on the train.", "It was filmed in Spain.", "It came out last year.",
    "We sat in the third row.", "It opens in a small town.",
)  # fmt: skip

KO_ASPECTS = (
    "연기", "줄거리", "음악", "결말", "대사", "영상", "편집", "이야기", "유머", "각본", "전개",
    "조명", "연출", "주인공", "도입부", "배경음악", "분위기", "액션", "전반부", "후반부",
)  # fmt: skip
# dictionary stem and past stem: 훌륭하(지 않았다), 훌륭했(다)
KO_OPINIONS = (
    (
        ("지루하", "지루했"), ("엉성하", "엉성했"), ("어색하", "어색했"), ("형편없", "형편없었"),
        ("진부하", "진부했"), ("유치하", "유치했"), ("답답하", "답답했"), ("실망스럽", "실망스러웠"),
        ("산만하", "산만했"), ("나쁘", "나빴"), ("뻔하", "뻔했"), ("재미없", "재미없었"),
        ("조잡하", "조잡했"), ("밋밋하", "밋밋했"), ("허술하", "허술했"), ("촌스럽", "촌스러웠"),
        ("따분하", "따분했"), ("억지스럽", "억지스러웠"),
    ),
    (
        ("훌륭하", "훌륭했"), ("재미있", "재미있었"), ("아름답", "아름다웠"), ("감동적이", "감동적이었"),
        ("뛰어나", "뛰어났"), ("신선하", "신선했"), ("완벽하", "완벽했"), ("탄탄하", "탄탄했"),
        ("매력적이", "매력적이었"), ("좋", "좋았"), ("인상적이", "인상적이었"), ("참신하", "참신했"),
        ("멋지", "멋졌"), ("놀랍", "놀라웠"), ("섬세하", "섬세했"), ("유쾌하", "유쾌했"),
        ("따뜻하", "따뜻했"), ("흥미롭", "흥미로웠"),
    ),
)  # fmt: skip
KO_NEGATIONS = ("", "전혀 ", "별로 ", "그다지 ", "조금도 ")
KO_STRESS = ("", "", "정말 ", "아주 ", "꽤 ", "참 ")
KO_ENDINGS = ("다", "어요", "습니다")
KO_PEOPLE = (
    "친구는", "동생은", "옆자리 관객은", "어떤 평론가는", "회사 동료는", "예고편을 본 언니는",
)  # fmt: skip
KO_FILLERS = (
    "비 오는 화요일에 봤", "온 가족이 함께 봤", "상영 시간은 두 시간쯤이었", "표는 미리 사 두었",
    "극장은 절반쯤 찼", "소설을 바탕으로 만들었", "자막으로 봤", "기차 안에서 봤",
    "스페인에서 찍었", "작년에 나왔", "셋째 줄에 앉았", "작은 마을에서 시작했",
)  # fmt: skip
