from mtasts_analysis.data import load, Archive
from mtasts_analysis.limits import Limits
