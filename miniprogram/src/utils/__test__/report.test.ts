// Reports: what is shown at a glance, the order of results, the drawing of a trend, what can be measured.
import { describe, expect, it } from 'vitest'
import type { ReportItem, ReportLine, TrendPoint } from '../../services/reports'
import { jpegAddress, slicesOf, windowStep, zoomStep } from '../images'
import { readNumber, wrongOf } from '../measurement'
import { readText } from '../bytes'
import { fileLabel, flagLabel, inOrder, reportTags, ticksOf, trendSvg } from '../report'

function item(over: Partial<ReportItem>): ReportItem {
  return {
    id: '1', name: '葡萄糖', value: '9.8', unit: 'mmol/L', range: '3.9–6.1', flag: 'normal', critical: false, computed: false, words: '',
    words_source: '', analyte: 'glucose', method: '', note: '', state: 'final', ...over,
  }
}

function point(over: Partial<TrendPoint>): TrendPoint {
  return {
    at: '2026-03-01T00:00:00Z', value: 5.5, text: '5.5', original: '5.5 mmol/L', low: 3.9, high: 6.1, flag: 'normal', organization_name: '市人民医院',
    method: '', own: false, ...over,
  }
}

const line: ReportLine = {
  id: '1', kind: 'lab', title: '血常规', organization_name: '市人民医院', state: 'final', at: '2026-03-01T00:00:00Z', sensitive: false, notable: 0,
}

describe('what a report says at a glance', () => {
  it('never by colour alone', () => {
    expect(flagLabel(item({ flag: 'high' }))).toEqual({ text: '↑ 偏高', tone: 'wait' })
    expect(flagLabel(item({ flag: 'very_low' }))?.text).toBe('↓↓ 明显偏低')
    expect(flagLabel(item({ flag: 'high', critical: true }))?.text).toBe('危急值')
    expect(flagLabel(item({ flag: 'unknown' }))).toBeNull()
  })
  it('says what is not final, private or out of range', () => {
    expect(reportTags(line)).toEqual([])
    expect(reportTags({ ...line, state: 'corrected', sensitive: true, notable: 2 }).map(({ text }) => text)).toEqual(['已更正', '内容较私密', '2项异常'])
  })
  it('puts first what wants attention and keeps the order otherwise', () => {
    const items = [item({ id: 'a' }), item({ id: 'b', flag: 'low' }), item({ id: 'c' }), item({ id: 'd', flag: 'high', critical: true })]
    expect(inOrder(items).map(({ id }) => id)).toEqual(['d', 'b', 'a', 'c'])
  })
})

describe('the file of a document', () => {
  const paper = { number: 1, title: '出院小结', content_type: 'application/pdf', size: 1_234_567 }
  it('says what it is and how large, as far as that is known', () => {
    expect(fileLabel(paper)).toBe('出院小结（PDF，1.2 MB）')
    expect(fileLabel({ ...paper, content_type: 'text/plain', size: 300 })).toBe('出院小结（文字，1 KB）')
    expect(fileLabel({ ...paper, title: '', content_type: 'application/rtf', size: null })).toBe('打开原件（文件）')
  })
  it('is read as text where it is UTF-8, and left alone otherwise', () => {
    const bytes = (...of: number[]): ArrayBuffer => new Uint8Array(of).buffer
    expect(readText(bytes(0xef, 0xbb, 0xbf, 0xe5, 0xb7, 0xb2, 0x0a, 0x25, 0x41))).toBe('已\n%A')
    expect(readText(bytes(0xb3, 0xf6))).toBeNull()
  })
})

describe('the drawing of a trend', () => {
  it('has steps that people can read', () => {
    expect(ticksOf(3.2, 10.4)).toEqual([4, 6, 8, 10])
    expect(ticksOf(100, 101)).toEqual([100, 100.2, 100.4, 100.6, 100.8, 101])
  })
  it('draws every point, and those out of range in another shape', () => {
    const svg = trendSvg([point({}), point({ at: '2026-06-01T00:00:00Z', value: 9.9, flag: 'high' })])
    expect(svg.match(/<circle/g)).toHaveLength(1)
    expect(svg.match(/fill="#b42318"/g)).toHaveLength(1)
    expect(svg.match(/<rect/g)).toHaveLength(2)
  })
  it('is whole for a single point, for equal ones and without a range', () => {
    for (const points of [[point({})], [point({}), point({})], [point({ low: null, high: null }), point({ at: '2026-06-01T00:00:00Z', low: null, value: 5.5 })]]) {
      expect(trendSvg(points, 1.3)).not.toMatch(/NaN|Infinity|undefined/)
    }
  })
})

describe('the viewer', () => {
  const series = { description: '', modality: 'CT', instances: [{ id: 'a', frames: 2, rows: 1, columns: 1, center: 40, width: 400, bytes: 1 }] }
  it('makes a slice of every frame and steps the window', () => {
    const slices = slicesOf(series)
    expect(slices.map(({ frame }) => frame)).toEqual([1, 2])
    const windows = slices.slice(0, 1).flatMap((slice) => [windowStep(slice, 0, 0), windowStep(slice, 1, 0), windowStep(slice, 0, 1), windowStep(slice, 0, 99)])
    expect(windows).toEqual([undefined, { center: -27, width: 400 }, { center: 40, width: 300 }, { center: 40, width: 1 }])
    expect([zoomStep(1, -1), zoomStep(1, 1), zoomStep(4, 1)]).toEqual([1, 1.5, 4])
  })
})

describe('a picture as an address', () => {
  it('is base64, whatever its length', () => {
    const address = (text: string): string => jpegAddress(new TextEncoder().encode(text).buffer)
    for (const text of ['', 'a', 'ab', 'abc', 'abcd\u00ff']) {
      expect(address(text)).toBe(`data:image/jpeg;base64,${Buffer.from(text).toString('base64')}`)
    }
  })
})

describe('what can be measured', () => {
  it('reads numbers as they are typed', () => {
    expect([readNumber('36。5'), readNumber('１２０'), readNumber('12O'), readNumber(''), readNumber('-3')]).toEqual([36.5, 120, undefined, undefined, undefined])
  })
  it('names the wrong value by its place', () => {
    expect(wrongOf('blood_pressure', ['152', '95'])).toEqual([])
    expect(wrongOf('blood_pressure', ['95', '152'])).toEqual([1])
    expect(wrongOf('blood_pressure', ['520', ''])).toEqual([0, 1])
    expect(wrongOf('temperature', ['98.6'])).toEqual([0])
  })
})
