"""Reads one sentence that a resident typed; pure, without database or network.

    reader = Reader(vocabulary)          # once per directory; a second's work for a large city
    understanding = reader.read("明天上午市人民医院儿科", now)

`vocabulary.py` says which names a reader needs, `values.py` what it answers. A sentence's way (`reading.py`):

1. `normalising.py`, `spelling.py`: one form for width, case, characters, emoji; our words in pinyin.
2. `replies.py`: a sentence that is an answer as a whole (a number, yes, no, a mark, T) ends here.
3. `matching.py`: names as they stand in the directory, the longest first; `complaints.py`: what hurts.
4. `intents.py`: what is wanted, the strongest of all that was said.
5. `dating.py` with `days.py` and `hours.py`: when; days that are over or do not exist are refused.
6. `hearing.py`: in what is left, names by sound, by initials, and one edit away.
7. `narrowing.py`: institution, department and doctor fitted to each other.

What whoever asks has to keep to:

* Nothing is guessed in silence. A mention with several ids, or one that is not `certain`, is to be asked
  about; `ambiguities` lists every slot with more than one reading, `problems` what cannot be as it was said.
  What was named only to be ruled out (不要上午) fills no slot and is told as `Problem.RULED_OUT`.
* `suggestions` come from a complaint. They say where to ask, not what is wrong.
* After a question, `intent` is what the words say by themselves: 确认取消 is CANCEL and has YES among
  `other_intents`. `ordinal` -1 is the last of a list.
* HELP, BACK, QUIT and HUMAN win over everything else in a sentence; T, TD, R and N alone opt out.
"""
