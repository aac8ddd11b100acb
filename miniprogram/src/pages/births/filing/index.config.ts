import { pageTitles } from '../../../texts/pages'

export default definePageConfig({ navigationBarTitleText: pageTitles.birthFiling })
