from .core import WaffleConf as WaffleConf
from .models import WaffleMixin as WaffleMixin
from .store import AlchemyWaffleStore as AlchemyWaffleStore
from .store import PeeweeWaffleStore as PeeweeWaffleStore
