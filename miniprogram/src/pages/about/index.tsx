// What the service does with what it knows.
import { Text, View } from '@tarojs/components'
import { Page } from '../../components/page'
import { about as t, pageTitles } from '../../texts'
import './index.scss'

export default function AboutPage() {
  return (
    <Page title={pageTitles.about}>
      <View className="about">
        <Text className="about__title">{t.title}</Text>
        {t.paragraphs.map(({ title, text }) => (
          <View key={title}>
            <Text className="about__head">{title}</Text>
            <Text className="about__text">{text}</Text>
          </View>
        ))}
      </View>
    </Page>
  )
}
