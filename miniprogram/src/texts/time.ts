// Words for days and times.

export const timeWords = {
  weekdays: ['周日', '周一', '周二', '周三', '周四', '周五', '周六'],
  nearDays: ['今天', '明天', '后天'] as readonly string[],
  date: (year: number | null, month: number, day: number): string =>
    `${year === null ? '' : `${String(year)}年`}${String(month)}月${String(day)}日`,
}
