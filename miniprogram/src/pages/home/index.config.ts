export default definePageConfig({ navigationBarTitleText: '健康城市' })
