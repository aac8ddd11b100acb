import { appName, tabTitles } from './texts/pages'

const icon = (name: string): { iconPath: string; selectedIconPath: string } => ({
  iconPath: `assets/tabs/${name}.png`,
  selectedIconPath: `assets/tabs/${name}-on.png`,
})

export default defineAppConfig({
  pages: [
    'pages/home/index',
    'pages/login/index',
    'pages/realname/index',
    'pages/code/show/index',
    'pages/code/uses/index',
    'pages/code/printed/index',
    'pages/booking/hospitals/index',
    'pages/booking/departments/index',
    'pages/booking/days/index',
    'pages/booking/slots/index',
    'pages/booking/confirm/index',
    'pages/booking/pay/index',
    'pages/appointments/list/index',
    'pages/appointments/detail/index',
    'pages/patients/list/index',
    'pages/patients/add/index',
    'pages/messages/list/index',
    'pages/mine/index',
    'pages/settings/index',
    'pages/settings/phone/index',
    'pages/records/consents/index',
    'pages/records/grant/index',
    'pages/records/accesses/index',
    'pages/about/index',
  ],
  window: {
    navigationBarTitleText: appName,
    navigationBarBackgroundColor: '#ffffff',
    navigationBarTextStyle: 'black',
    backgroundColor: '#f1f5f3',
  },
  tabBar: {
    color: '#4a5a55',
    selectedColor: '#0b7a5e',
    backgroundColor: '#ffffff',
    borderStyle: 'white',
    list: [
      { pagePath: 'pages/home/index', text: tabTitles.home, ...icon('home') },
      { pagePath: 'pages/booking/hospitals/index', text: tabTitles.booking, ...icon('booking') },
      { pagePath: 'pages/code/show/index', text: tabTitles.code, ...icon('code') },
      { pagePath: 'pages/mine/index', text: tabTitles.mine, ...icon('mine') },
    ],
  },
})
