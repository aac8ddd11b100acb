export default defineAppConfig({
  pages: ['pages/home/index'],
  window: { navigationBarTitleText: '健康城市' },
})
