import { describe, expect, test } from 'vitest'
import { sampleBirth, sampleBirthPage, sampleHandover, sampleStep } from '../../testing/samples'
import {
  checkedBefore, correctedAnswers, correctedFields, faultsOf, formStepOf, handoverFacts, handoverState, handoverWords, mayConfirm, mayFileAgain, mayMiss, NO_ANSWERS, problemsOfStep, progressOf, stepDay, stepWithFault,
  stepWords, tidyAnswers,
} from '../births'

const problem = (field: string, kind: 'fix' | 'elsewhere' | 'left_out' | 'hint' = 'fix') =>
  ({ code: 'x', text: '', what_to_do: '', kind, field, step: '' })
const PAGE = sampleBirthPage()
const CLAIM = 'maternity_claim'
const FATHER = '110105194912310038'

test.each([
  ['draft', false], ['submitted', false], ['needs_correction', false], ['in_progress', false], ['withdrawing', false],
  ['completed', false], ['partly_done', true], ['withdrawn', true], ['rejected', true], ['expired', true],
] as const)('%s may be filed again: %s', (state, may) => {
  expect(mayFileAgain(state)).toBe(may)
})

describe('what is handed over', () => {
  const posted = sampleHandover({ state: 'posted', mailed: true, courier: '邮政', tracking_no: 'EM1CN' })
  test('says where it is: a number that can be followed, or a place with what to bring', () => {
    expect(handoverFacts(posted)).toEqual([['快递', '邮政'], ['单号', 'EM1CN']])
    expect(handoverFacts(sampleHandover({ hours: '' })).map(([name]) => name)).toEqual(['领取地点', '请带', '取件码'])
    expect(handoverFacts(sampleHandover({ state: 'missing' }))).toEqual([])
  })
  test('says what comes next', () => {
    expect(handoverWords(sampleHandover({ state: 'awaited', mailed: true }), '幸福路12号')).toBe('12月5日前寄出，寄到：幸福路12号')
    expect(handoverState(sampleHandover({ state: 'awaited' }))).toBe('等待通知领取')
    expect(handoverWords(sampleHandover({ state: 'received' }), '')).toBe('11月20日签收')
    expect(handoverWords(posted, '')).toBe('')
  })
  test.each([
    ['awaited', false, false], ['posted', true, true], ['ready', true, true], ['missing', true, false], ['received', false, false],
  ] as const)('%s may be confirmed: %s, missed: %s', (state, confirm, miss) => {
    expect([mayConfirm(sampleHandover({ state })), mayMiss(sampleHandover({ state }))]).toEqual([confirm, miss])
  })
  test('what was said too soon may be taken back for a while', () => {
    expect(mayMiss(sampleHandover({ state: 'received', may_claim: true }))).toBe(true)
  })
})

describe('what the phone sees at once', () => {
  test.each([['陈小满', true], ['买买提·吐尔逊', true], ['𠮷川', true], ['李〇', true], ['陈', false], ['陈Ann', false], ['', false], ['·陈', false]])('%s as a name: %s', (name, fine) => {
    expect(Object.keys(faultsOf('name', { ...NO_ANSWERS, child_name: name }, sampleBirth(), PAGE)).length === 0).toBe(fine)
  })
  test('a father is asked for unless the hospital knows him or there is none', () => {
    expect(Object.keys(faultsOf('parents', NO_ANSWERS, sampleBirth({ father: null }), PAGE))).toEqual(['other_name', 'other_id_number'])
    expect(faultsOf('parents', NO_ANSWERS, sampleBirth({ father: '李*' }), PAGE)).toEqual({})
    expect(faultsOf('parents', { ...NO_ANSWERS, single_parent: true }, sampleBirth({ father: null }), PAGE)).toEqual({})
    expect(faultsOf('parents', { ...NO_ANSWERS, other_name: '李强', other_id_number: FATHER }, sampleBirth({ father: null }), PAGE)).toEqual({})
  })
  test('an address is asked for only where something is sent, an account only where money is', () => {
    expect(faultsOf('wishes', NO_ANSWERS, sampleBirth(), PAGE)).toEqual({})
    const mailed = { ...NO_ANSWERS, wanted: [CLAIM], delivery: { way: 'mail' as const, receiver: '', phone: '1', address: '近' } }
    expect(Object.keys(faultsOf('wishes', mailed, sampleBirth(), PAGE))).toEqual(['bank_account', 'delivery.receiver', 'delivery.phone', 'delivery.address'])
  })
  test('another city has other words and lengths, and nothing else is changed for it', () => {
    const other = sampleBirthPage({ address_empty: '请填写收件地址，写到门牌号和房号', bank_wrong: '请核对社保卡金融账号' })
    const city = { ...other, limits: { ...other.limits, address_least: 10, account_least: 12, account: 12, name_most_with_dot: 4 }, account_steps: ['birth_gift'] }
    const delivery = { way: 'mail' as const, receiver: '陈敏', phone: '13912345678', address: '幸福路12号301' }
    const answers = { ...NO_ANSWERS, child_name: '买买提·吐尔逊', wanted: ['birth_gift'], bank_account: '622200000012', delivery }
    expect(faultsOf('wishes', answers, sampleBirth(), city)).toEqual({ 'delivery.address': '请填写收件地址，写到门牌号和房号' })
    expect(faultsOf('wishes', { ...answers, bank_account: '6222000000123456' }, sampleBirth(), city).bank_account).toBe('请核对社保卡金融账号')
    expect(Object.keys(faultsOf('name', answers, sampleBirth(), city))).toEqual(['child_name'])
    expect(faultsOf('wishes', answers, sampleBirth(), PAGE)).toEqual({})
    expect([tidyAnswers(answers, city).bank_account, tidyAnswers(answers, PAGE).bank_account]).toEqual(['622200000012', ''])
  })
  test('the first page with a fault is where one is led back to', () => {
    expect(stepWithFault(NO_ANSWERS, sampleBirth(), PAGE)).toBe('name')
    expect(stepWithFault({ ...NO_ANSWERS, child_name: '陈小满' }, sampleBirth({ father: null }), PAGE)).toBe('parents')
    expect(stepWithFault({ ...NO_ANSWERS, child_name: '陈小满' }, sampleBirth({ father: '李*' }), PAGE)).toBeUndefined()
  })
})

describe('what the pre-check says', () => {
  test('before the form, what is yet to be filled in is no problem', () => {
    const found = { ok: false, materials: [], steps: [], left_out: [], plan: [], promised_days: 5 }
    expect(checkedBefore({ ...found, problems: [problem('child_name'), problem('', 'hint')] })).toEqual({ ok: true, problems: [problem('', 'hint')] })
    expect(checkedBefore({ ...found, problems: [problem('', 'elsewhere')] }).ok).toBe(false)
  })
  test('each page is told its own', () => {
    const all = [problem('child_name'), problem('other_name'), problem('delivery'), problem('')]
    expect(problemsOfStep(all, 'name')).toEqual([problem('child_name')])
    expect(problemsOfStep(all, 'wishes')).toEqual([problem('delivery')])
    expect(formStepOf('')).toBe('materials')
  })
})

describe('what is sent', () => {
  test('nothing that has lost its meaning', () => {
    const tidy = tidyAnswers({
      ...NO_ANSWERS, child_name: ' 陈 小满', single_parent: true, other_name: '李强', other_id_number: 'x', bank_account: '6222 0000',
      delivery: { way: 'pickup', receiver: '陈', phone: '1', address: '路' },
    }, PAGE)
    expect(tidy).toEqual({ ...NO_ANSWERS, child_name: '陈小满', single_parent: true })
    expect(tidyAnswers({ ...NO_ANSWERS, other_name: '李强 ', other_id_number: '11010519491231003x' }, PAGE).other_id_number).toBe('11010519491231003X')
  })
  test.each(['·', '•', '・', '‧', '．', ' · '])('a name with the dot of names, whichever the keyboard has: %s', (dot) => {
    const tidy = tidyAnswers({ ...NO_ANSWERS, child_name: `阿依古丽${dot}买买提`, other_name: `买买提${dot}艾力` }, PAGE)
    expect([tidy.child_name, tidy.other_name]).toEqual(['阿依古丽·买买提', '买买提·艾力'])
  })
  test('a correction changes what its agency asked about and nothing else', () => {
    const step = sampleStep({ corrects: ['child_name', 'other_name', 'other_id_number'], problems: [problem('child_name'), problem('bank_account')] })
    expect(correctedFields(step)).toEqual(['child_name'])
    expect(correctedFields({ ...step, problems: [] })).toEqual(['child_name', 'other_name'])
    const after = { ...NO_ANSWERS, child_name: '陈大满', other_name: '李强', bank_account: '1' }
    expect(correctedAnswers(NO_ANSWERS, after, ['child_name'])).toEqual({ ...NO_ANSWERS, child_name: '陈大满' })
    expect(correctedAnswers(NO_ANSWERS, after, ['other_name'])).toEqual({ ...NO_ANSWERS, other_name: '李强' })
  })
})

describe('how far it is', () => {
  test('what was not wanted is not counted', () => {
    const steps = [sampleStep({ state: 'done' }), sampleStep({ state: 'accepted' }), sampleStep({ state: 'not_wanted' })]
    expect(progressOf(steps)).toEqual({ done: 1, of: 2 })
  })
  test('a step says for what it waits', () => {
    const household = sampleStep({ code: 'household', name: '户口登记', state: 'accepted' })
    const card = sampleStep({ code: 'social_card', state: 'waiting', needs: ['household'] })
    expect(stepWords(card, [household, card])).toBe('等户口登记办好后自动开始')
    expect(stepWords({ ...household, stopping: true }, [])).toContain('停办')
  })
  test('a day is told as it is: to come, past, or the day it was done', () => {
    expect(stepDay(sampleStep({ state: 'accepted', due_at: '2099-01-05T10:00:00Z' }))).toContain('前办好')
    expect(stepDay(sampleStep({ state: 'accepted', due_at: '2020-01-05T10:00:00Z' }))).toContain('已晚了')
    expect(stepDay(sampleStep({ state: 'done', ended_at: '2020-01-05T10:00:00Z' }))).toBe('2020年1月5日办好')
    expect(stepDay(sampleStep({ state: 'waiting', due_at: '2020-01-05T10:00:00Z' }))).toBe('')
  })
})
