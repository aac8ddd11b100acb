// Words for days and times.

export const timeWords = {
  weekdays: ['周日', '周一', '周二', '周三', '周四', '周五', '周六'],
  nextDay: '次日',
  nearDays: ['今天', '明天', '后天'] as readonly string[],
  date: (year: number | null, month: number, day: number): string =>
    `${year === null ? '' : `${String(year)}年`}${String(month)}月${String(day)}日`,
  // Not 9:46, which reads like a time of day.
  left: (minutes: number, seconds: string): string => `${minutes > 0 ? `${String(minutes)}分` : ''}${seconds}秒`,
}
