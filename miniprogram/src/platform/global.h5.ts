// Styles of the document itself, for the web app only.
import './global.h5.scss'
